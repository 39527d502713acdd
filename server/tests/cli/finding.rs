//! `tasks ls`, `tasks get`, `queues ls`, `workers ls`: what is there, and how it is shown.

use serde_json::json;
use windlass::worker::{DeclaredHandler, WorkerConfig};
use windlass::{Payload, TaskSpec};

use crate::stage::{Ran, Stage, complete, fail, finish, perform, submit};

/// A store with one task of each kind: completed, failed, pending, scheduled, in two queues.
fn filled() -> (Stage, Vec<String>) {
    Stage::with(async |client| {
        let done = submit(&client, "resize", "[1]").await;
        perform(&client, "resize", complete(r#"{"secret": "result"}"#)).await;
        let failed = submit(&client, "import", r#"{"secret": "payload"}"#).await;
        perform(&client, "import", fail("connection refused by host")).await;
        let spec = TaskSpec::new("resize", Payload::null()).queue("slow").label("env", "prod");
        let pending = client.submit(spec.label("team", "a")).await.unwrap().task_id;
        let spec = TaskSpec::new("nightly", Payload::null()).label("env", "prod");
        let later = spec.delay(std::time::Duration::from_secs(7_300));
        let scheduled = client.submit(later).await.unwrap().task_id;
        [done, failed, pending, scheduled].map(|id| id.to_string()).to_vec()
    })
}

fn listed(ran: &Ran, ids: &[String]) -> Vec<usize> {
    assert_eq!(ran.code, 0, "{ran:?}");
    let tasks = ran.json()["tasks"].as_array().expect("tasks").clone();
    let place = |task: &serde_json::Value| ids.iter().position(|id| task["task_id"] == **id);
    tasks.iter().map(|task| place(task).expect("a known task")).collect()
}

#[test]
fn filters_restrict_together_and_the_newest_comes_first() {
    let (stage, ids) = filled();
    let cases: [(&[&str], &[usize]); 14] = [
        (&[], &[3, 2, 1, 0]),
        (&["--status", "failed"], &[1]),
        (&["--status", "failed", "--status", "completed"], &[1, 0]),
        (&["--status", "pending,scheduled"], &[3, 2]),
        (&["--type", "resize"], &[2, 0]),
        (&["--queue", "slow"], &[2]),
        (&["--label", "env=prod"], &[3, 2]),
        (&["--label", "env=prod", "--label", "team=a"], &[2]),
        (&["--error", "refused"], &[1]),
        (&["--since", "1h", "--type", "import"], &[1]),
        (&["--until", "1h"], &[]),
        (&["--until", "2100-01-01T00:00:00Z", "--type", "resize"], &[2, 0]),
        (&["--since", "2100-01-01T00:00:00Z"], &[]),
        (&["--batch", "019a0d5e-8f6b-7000-8000-000000000001"], &[]),
    ];
    for (args, expected) in cases {
        let ran = stage.run(&[&["tasks", "ls", "-o", "json"], args].concat());
        assert_eq!(listed(&ran, &ids), expected, "{args:?}");
    }
}

#[test]
fn a_cursor_goes_on_where_the_list_stopped() {
    let (stage, ids) = filled();
    let first = stage.run(&["tasks", "ls", "--limit", "3", "-o", "json"]);
    assert_eq!(listed(&first, &ids), [3, 2, 1]);
    let next = first.json()["next"].as_str().expect("more").to_owned();
    let rest = stage.run(&["tasks", "ls", "--cursor", &next, "-o", "json"]);
    assert_eq!(listed(&rest, &ids), [0]);
    assert_eq!(rest.json()["next"], json!(null));
    assert!(stage.run(&["tasks", "ls", "--limit", "3"]).err.contains(&next));
}

#[test]
fn the_table_fits_80_columns_and_ids_are_whole() {
    let (stage, ids) = filled();
    let mut command = stage.command(&["tasks", "ls"]);
    command.env("COLUMNS", "80");
    let ran = finish(command);
    assert_eq!(ran.code, 0);
    assert!(ran.out.lines().all(|line| line.chars().count() <= 80), "{}", ran.out);
    for (id, status) in ids.iter().zip(["completed", "failed", "pending", "scheduled"]) {
        let line = ran.out.lines().find(|line| line.starts_with(id)).expect("its line");
        assert!(line.contains(status), "{line}");
    }
    assert!(ran.out.starts_with("TASK") && !ran.out.contains('\x1b'), "{}", ran.out);
    let quiet = stage.run(&["tasks", "ls", "-q", "--status", "failed"]);
    assert_eq!(quiet.out, format!("{}\n", ids[1]));
}

#[test]
fn get_shows_the_task_but_its_content_only_on_demand() {
    let (stage, ids) = filled();
    for (id, size) in [(&ids[0], "3 bytes"), (&ids[1], "21 bytes")] {
        let ran = stage.run(&["tasks", "get", id]);
        assert_eq!(ran.code, 0);
        assert!(ran.out.contains(id.as_str()) && ran.out.contains(size), "{}", ran.out);
        assert!(!ran.out.contains("secret"), "{}", ran.out);
        let shown = stage.run(&["tasks", "get", id, "--show-payload"]);
        assert!(shown.out.contains("secret"), "{}", shown.out);
    }
    let failed = stage.run(&["tasks", "get", &ids[1]]).out;
    assert!(
        failed.contains("connection refused by host") && failed.contains("attempt      1"),
        "{failed}"
    );
    let scheduled = stage.run(&["tasks", "get", &ids[3]]).out;
    assert!(scheduled.contains("(in 2h)") && scheduled.contains("env=prod"), "{scheduled}");
    let record = stage.run(&["tasks", "get", &ids[0], "-o", "json"]).json();
    assert_eq!(record["result"], json!({ "secret": "result" }));
    assert_eq!((&record["status"], &record["priority"]), (&json!("completed"), &json!(3)));
}

#[test]
fn an_unknown_id_and_one_of_another_tenant_end_with_3() {
    let (stage, ids) = filled();
    let unknown = "019a0d5e-8f6b-7000-8000-000000000001";
    for verb in ["get", "watch", "logs", "why", "cancel", "retry"] {
        for (id, tenant) in
            [(unknown, "default"), ("nonsense", "default"), (ids[0].as_str(), "other")]
        {
            let ran = stage.run(&["tasks", verb, id, "--tenant", tenant]);
            assert_eq!(
                (ran.code, ran.error_code().as_str()),
                (3, "task_not_found"),
                "{verb} {id}: {ran:?}"
            );
        }
    }
    let others = stage.run(&["tasks", "ls", "--tenant", "other", "-o", "json"]);
    assert_eq!(others.json()["tasks"], json!([]));
}

#[test]
fn text_of_a_task_cannot_steer_the_terminal() {
    let (stage, id) = Stage::with(async |client| {
        submit(&client, "evil", "\"\u{7f}\"").await;
        perform(&client, "evil", fail("\x1b[2J\x1b]0;owned\x07 gone")).await.to_string()
    });
    for args in [
        vec!["tasks", "ls"],
        vec!["tasks", "get", &id, "--show-payload"],
        vec!["tasks", "watch", &id],
        vec!["tasks", "why", &id],
    ] {
        let ran = stage.run(&args);
        let steers = |c: char| c.is_control() && c != '\n';
        assert!(!ran.out.contains(steers) && !ran.err.contains(steers), "{args:?}: {ran:?}");
    }
}

#[test]
fn queues_show_their_counts() {
    let (stage, _) = filled();
    let ran = stage.run(&["queues", "ls"]);
    let head: Vec<_> = ran.out.lines().next().expect("a head").split_whitespace().collect();
    let heads = ["QUEUE", "SCHEDULED", "PENDING", "RUNNING", "COMPLETED", "FAILED", "OLDEST"];
    assert_eq!(head, heads, "{}", ran.out);
    let row = |out: &str, name: &str| {
        let line = out.lines().find(|line| line.starts_with(name)).expect("its line");
        line.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(row(&ran.out, "slow")[..6], ["slow", "-", "1", "-", "-", "-"]);
    let queues = stage.run(&["queues", "ls", "-o", "json"]).json();
    assert_eq!(queues.as_array().unwrap().len(), 2);
    let slow = &queues[1];
    assert_eq!((&slow["queue"], &slow["paused"]), (&json!("slow"), &json!(false)));
    assert_eq!((&slow["counts"], &slow["depth"]), (&json!({ "pending": 1 }), &json!(1)));
    assert!(slow["oldest_pending_at"].is_string(), "{slow}");
}

#[test]
fn a_paused_queue_is_shown_and_gives_no_work_until_it_goes_on() {
    let (stage, _) = filled();
    let ran = stage.run(&["queues", "pause", "slow"]);
    assert_eq!((ran.code, ran.out.as_str()), (0, "slow is paused: waiting 1, still running 0\n"));
    let again = stage.run(&["queues", "pause", "slow", "-o", "json"]).json();
    assert_eq!((&again["queue"], &again["paused"]), (&json!("slow"), &json!(true)), "{again}");
    let listed = stage.run(&["queues", "ls"]).out;
    assert!(listed.contains("STATE") && listed.contains("slow     paused"), "{listed}");
    let ids = stage.run(&["tasks", "ls", "--queue", "slow", "-q"]).out;
    let why = stage.run(&["tasks", "why", ids.trim(), "-o", "json"]).json();
    assert_eq!(why["reason"], json!("paused"), "{why}");
    let ran = stage.run(&["queues", "resume", "slow"]);
    assert_eq!((ran.code, ran.out.as_str()), (0, "slow goes on: waiting 1, running 0\n"));
    assert!(!stage.run(&["queues", "ls"]).out.contains("STATE"));
    let ran = stage.run(&["queues", "pause", &"x".repeat(200)]);
    assert_eq!((ran.code, ran.error_code().as_str()), (2, "invalid_argument"), "{ran:?}");
}

#[test]
fn workers_are_listed_while_they_live() {
    let (stage, _) = filled();
    assert!(stage.run(&["workers", "ls"]).out.contains("no live workers"));
    stage.on_store(async |client| {
        let handlers = vec![DeclaredHandler { name: "resize".to_owned(), ..Default::default() }];
        let (worker_id, concurrency) = (Some("w-1".to_owned()), 5);
        let config = WorkerConfig { worker_id, handlers, concurrency, ..Default::default() };
        let worker = client.worker(config).unwrap();
        // Its announcement is its own business; it is there once the store says so.
        while client.workers().await.unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
        let ran = stage.run(&["workers", "ls"]);
        assert!(ran.out.contains("w-1") && ran.out.contains("resize"), "{ran:?}");
        let listed = stage.run(&["workers", "ls", "-o", "json"]).json();
        assert_eq!(
            (&listed[0]["worker_id"], &listed[0]["concurrency"]),
            (&json!("w-1"), &json!(5))
        );
        worker.stop();
        worker.stopped().await;
    });
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let (stage, _) = Stage::with(async |client| {
        let specs = (0..1_000).map(|_| TaskSpec::new("t", Payload::null())).collect();
        client.submit_many(specs, Default::default()).await.unwrap();
    });
    let mut command = stage.command(&["tasks", "ls", "-o", "json", "--limit", "1000"]);
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop(child.stdout.take());
    let ran = crate::stage::end(child);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
}
