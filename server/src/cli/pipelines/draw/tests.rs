use std::time::Duration;

use windlass::{Members, TaskError, TaskId, TaskStatus};

use super::*;
use crate::cli::output::Format;

fn stage(name: &str, depends_on: &[&str], status: TaskStatus) -> Stage {
    let at = Timestamp::from_millis(1_000_000);
    Stage {
        name: name.to_owned(),
        task_id: TaskId::from_bytes([7; 16]),
        status,
        depends_on: depends_on.iter().map(|name| (*name).to_owned()).collect(),
        task_type: "t".to_owned(),
        attempt: u32::from(status != TaskStatus::Blocked),
        started_at: (status != TaskStatus::Blocked).then_some(at),
        finished_at: status.is_final().then(|| at.after(Duration::from_millis(1500))),
        error: (status == TaskStatus::Failed)
            .then(|| TaskError::new("handler_error", "no\x1b[2J such host")),
        progress: (status == TaskStatus::Running).then_some(40.0),
    }
}

fn pipeline(stages: Vec<Stage>) -> Pipeline {
    let ended = |status| stages.iter().filter(|stage| stage.status == status).count() as u32;
    let members = Members {
        total: stages.len() as u32,
        completed: ended(TaskStatus::Completed),
        failed: ended(TaskStatus::Failed),
        cancelled: ended(TaskStatus::Cancelled),
        first: None,
    };
    Pipeline {
        pipeline_id: TaskId::from_bytes([1; 16]),
        name: "etl".to_owned(),
        status: TaskStatus::Running,
        stages,
        members,
        created_at: Timestamp::from_millis(1_000_000),
        finished_at: None,
        error: None,
        timeout: None,
        labels: Default::default(),
    }
}

fn text(pipeline: &Pipeline, width: usize, height: usize) -> String {
    // Tests have no terminal, so nothing is coloured.
    let output = Output::new(Format::Table).plain();
    let now = Timestamp::from_millis(1_002_000);
    Drawing::of(pipeline, Room { width, height }).text(pipeline, &output, now)
}

#[test]
fn a_pipeline_is_drawn_with_how_its_stages_stand() {
    let drawn = text(
        &pipeline(vec![
            stage("extract", &[], TaskStatus::Completed),
            stage("clean", &["extract"], TaskStatus::Running),
            stage("enrich", &["extract"], TaskStatus::Failed),
            stage("load", &["clean", "enrich"], TaskStatus::Blocked),
        ]),
        80,
        usize::MAX,
    );
    let expected = "\
etl  running  2 of 4 stages  2s

  ●    extract  completed  1.5s
  ├─╮
  ◐ │  clean    running    40%  2s
  │ ✗  enrich   failed     1.5s  no\u{fffd}[2J such host
  ├─╯
  ◌    load     blocked
";
    assert_eq!(drawn, expected);
}

#[test]
fn a_narrow_terminal_gets_whole_lines() {
    let long = "a-stage-with-a-very-long-name-of-its-own";
    let stages =
        vec![stage(long, &[], TaskStatus::Completed), stage("two", &[long], TaskStatus::Failed)];
    for width in [24, 40, 60] {
        let drawn = text(&pipeline(stages.clone()), width, usize::MAX);
        for line in drawn.lines() {
            assert!(line.chars().count() <= width, "{width}: {line:?}");
        }
        assert!(drawn.contains("a-stage") && drawn.contains("failed"), "{drawn}");
    }
}

#[test]
fn what_is_too_wide_is_told_layer_by_layer_and_fits_the_terminal() {
    let mut stages = vec![stage("first", &[], TaskStatus::Completed)];
    for n in 0..1_000 {
        let status = if n == 7 { TaskStatus::Failed } else { TaskStatus::Blocked };
        stages.push(stage(&format!("s{n}"), &["first"], status));
    }
    let drawn = text(&pipeline(stages), 80, 20);
    assert!(drawn.lines().count() <= 20, "{drawn}");
    assert!(drawn.contains("1 failed") || drawn.contains("999 blocked"), "{drawn}");
    assert!(drawn.contains("✗ s7"), "{drawn}");
    assert!(drawn.contains("more"), "{drawn}");
    for line in drawn.lines() {
        assert!(line.chars().count() <= 80, "{line:?}");
    }
}
