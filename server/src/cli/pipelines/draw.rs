//! A pipeline as text: its graph as rails, or layer by layer where it is too wide or too long for that.

use std::collections::{BTreeMap, HashMap};

use windlass::{Pipeline, Stage, TaskStatus, Timestamp};

use super::rails::{Rails, SPOT};
use crate::cli::output::Output;
use crate::cli::output::text::{Paint, clean, cut};
use crate::cli::output::time::exact;

/// Rows of stages that are drawn one by one.
const LONG: usize = 400;
/// Stages of a layer that are named, of a drawing that is too wide.
const NAMED: usize = 12;

/// What there is room for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    /// Characters of a line.
    pub(super) width: usize,
    /// Lines.
    pub(super) height: usize,
}

/// A pipeline whose graph is laid out once and drawn whenever its stages stand otherwise.
pub(super) struct Drawing {
    /// The graph, unless it is too wide for a line.
    rails: Option<Rails>,
    /// How many stages must be done before each, at the longest.
    layers: Vec<usize>,
    room: Room,
}

impl Drawing {
    /// Lays out a pipeline.
    pub(super) fn of(pipeline: &Pipeline, room: Room) -> Self {
        let stages = &pipeline.stages;
        let places: HashMap<&str, usize> =
            stages.iter().enumerate().map(|(at, stage)| (stage.name.as_str(), at)).collect();
        let upstream: Vec<Vec<usize>> = stages
            .iter()
            .map(|stage| stage.depends_on.iter().filter_map(|n| places.get(n.as_str()).copied()))
            .map(Iterator::collect)
            .collect();
        // A third of a line for rails, two characters each.
        let rails = Rails::draw(&upstream, (room.width / 6).max(2));
        let fits = |rails: &Rails| rails.rows.len() <= LONG.min(room.height.saturating_sub(2));
        Self { rails: rails.filter(fits), layers: layers(&upstream), room }
    }

    /// The lines, the last one ended.
    pub(super) fn text(&self, pipeline: &Pipeline, output: &Output, now: Timestamp) -> String {
        let mut lines = head(pipeline, output, now, self.room.width);
        lines.push(String::new());
        match &self.rails {
            Some(rails) => self.graph(rails, pipeline, output, now, &mut lines),
            None => self.list(pipeline, output, now, &mut lines),
        }
        lines.truncate(self.room.height.max(3));
        lines.join("\n") + "\n"
    }

    fn graph(
        &self,
        rails: &Rails,
        pipeline: &Pipeline,
        output: &Output,
        now: Timestamp,
        lines: &mut Vec<String>,
    ) {
        let left = rails.widest * 2 + 1;
        let names = pipeline.stages.iter().map(|stage| stage.name.chars().count()).max();
        // Ten for the status, and something for what goes with it.
        let names = names.unwrap_or(0).min(self.room.width.saturating_sub(left + 14).max(8));
        for row in &rails.rows {
            let Some((vertex, lane)) = row.vertex else {
                lines.push(format!("  {}", output.painted(Paint::Dim, &row.rails)));
                continue;
            };
            let stage = &pipeline.stages[vertex];
            let room = self.room.width.saturating_sub(left + 2 + names + 2);
            let spot = row.rails.chars().position(|c| c == SPOT).unwrap_or(lane * 2);
            let before: String = row.rails.chars().take(spot).collect();
            let after: String = row.rails.chars().skip(spot + 1).collect();
            let gap = " ".repeat(left.saturating_sub(row.rails.chars().count()));
            lines.push(format!(
                "  {}{}{}{gap}{}  {}",
                output.painted(Paint::Dim, &before),
                output.painted(Paint::of(stage.status), symbol(stage.status)),
                output.painted(Paint::Dim, &after),
                padded(&stage.name, names),
                standing(stage, output, now, room),
            ));
        }
    }

    /// Layer by layer, those first that need to be looked at.
    fn list(&self, pipeline: &Pipeline, output: &Output, now: Timestamp, lines: &mut Vec<String>) {
        let mut by_layer: BTreeMap<usize, Vec<&Stage>> = BTreeMap::new();
        for (stage, layer) in pipeline.stages.iter().zip(&self.layers) {
            by_layer.entry(*layer).or_default().push(stage);
        }
        let left = self.room.height.saturating_sub(2 + 2 * by_layer.len());
        let named = (left / by_layer.len().max(1)).clamp(1, NAMED);
        let names = pipeline.stages.iter().map(|stage| stage.name.chars().count()).max();
        let names = names.unwrap_or(0).min((self.room.width / 2).max(8));
        for (layer, mut stages) in by_layer {
            let counts = counts(&stages, output, self.room.width.saturating_sub(4));
            lines.push(format!("{} {counts}", output.painted(Paint::Dim, &format!("{layer:3}"))));
            stages.sort_by_key(|stage| urgency(stage.status));
            for stage in stages.iter().take(named) {
                let room = self.room.width.saturating_sub(8 + names);
                lines.push(format!(
                    "    {} {}  {}",
                    output.painted(Paint::of(stage.status), symbol(stage.status)),
                    padded(&stage.name, names),
                    standing(stage, output, now, room),
                ));
            }
            if stages.len() > named {
                let more = format!("    … {} more", stages.len() - named);
                lines.push(output.painted(Paint::Dim, &more));
            }
        }
    }
}

/// Name, status and how far it is; why it failed.
fn head(pipeline: &Pipeline, output: &Output, now: Timestamp, width: usize) -> Vec<String> {
    let (status, members) = (pipeline.status, &pipeline.members);
    let end = pipeline.finished_at.unwrap_or(now);
    let parts = [
        (Paint::Plain, clean(&pipeline.name)),
        (Paint::of(status), status.to_string()),
        (Paint::Plain, format!("{} of {} stages", members.ended(), members.total)),
        (Paint::Dim, exact(end.since(pipeline.created_at))),
    ];
    let mut lines = vec![fitted(output, &parts, "  ", width)];
    if let Some(error) = &pipeline.error {
        lines.push(fitted(output, &[(Paint::Bad, clean(&error.message))], "", width));
    }
    lines
}

/// Parts of a line, as many as there is room for, each in its colour.
fn fitted(output: &Output, parts: &[(Paint, String)], between: &str, width: usize) -> String {
    let (mut line, mut left) = (String::new(), width);
    for (place, (paint, text)) in parts.iter().enumerate() {
        let gap = if place == 0 { "" } else { between };
        let room = left.saturating_sub(gap.len());
        if room < 2 {
            break;
        }
        let text = cut(text, room);
        left = room - text.chars().count();
        line.push_str(gap);
        line.push_str(&output.painted(*paint, &text));
    }
    line
}

/// The status, and what goes with it, in at most `room` characters.
fn standing(stage: &Stage, output: &Output, now: Timestamp, room: usize) -> String {
    let mut more = Vec::new();
    if let (TaskStatus::Running, Some(progress)) = (stage.status, stage.progress) {
        more.push(format!("{progress:.0}%"));
    }
    if stage.attempt > 1 {
        more.push(format!("attempt {}", stage.attempt));
    }
    if let Some(start) = stage.started_at {
        let end = stage.finished_at.unwrap_or(now);
        more.push(exact(end.since(start)));
    }
    if let (TaskStatus::Failed | TaskStatus::Cancelled, Some(error)) = (stage.status, &stage.error)
    {
        more.push(clean(&error.message));
    }
    let status = stage.status.as_str();
    let left = room.saturating_sub(11);
    let more = cut(&more.join("  "), left);
    let more = if left < 4 { "" } else { more.trim_end() };
    let status = output.painted(Paint::of(stage.status), &format!("{status:9}"));
    format!("{status}  {}", output.painted(Paint::Dim, more)).trim_end().to_owned()
}

fn counts(stages: &[&Stage], output: &Output, width: usize) -> String {
    let count = |status: TaskStatus| stages.iter().filter(|s| s.status == status).count();
    let counts = TaskStatus::ALL.into_iter().map(|status| (status, count(status)));
    let counts = counts.filter(|(_, count)| *count > 0);
    let parts: Vec<_> =
        counts.map(|(status, count)| (Paint::of(status), format!("{count} {status}"))).collect();
    fitted(output, &parts, ", ", width)
}

const fn symbol(status: TaskStatus) -> &'static str {
    match status {
        TaskStatus::Completed => "●",
        TaskStatus::Running => "◐",
        TaskStatus::Pending => "○",
        TaskStatus::Blocked | TaskStatus::Scheduled => "◌",
        TaskStatus::Failed => "✗",
        TaskStatus::Cancelled => "⊘",
    }
}

const fn urgency(status: TaskStatus) -> u8 {
    match status {
        TaskStatus::Failed => 0,
        TaskStatus::Running => 1,
        TaskStatus::Pending | TaskStatus::Scheduled => 2,
        TaskStatus::Blocked => 3,
        TaskStatus::Cancelled => 4,
        TaskStatus::Completed => 5,
    }
}

fn padded(name: &str, width: usize) -> String {
    let name = cut(&clean(name), width);
    let missing = width.saturating_sub(name.chars().count());
    name + &" ".repeat(missing)
}

/// How many vertices must be done before each, at the longest.
fn layers(upstream: &[Vec<usize>]) -> Vec<usize> {
    let mut waits: Vec<usize> = upstream.iter().map(Vec::len).collect();
    let mut downstream = vec![Vec::new(); upstream.len()];
    for (to, from) in upstream.iter().enumerate() {
        from.iter().for_each(|from| downstream[*from].push(to));
    }
    let mut layers = vec![0; upstream.len()];
    let mut free: Vec<usize> = (0..upstream.len()).filter(|at| waits[*at] == 0).collect();
    while let Some(at) = free.pop() {
        for to in &downstream[at] {
            layers[*to] = layers[*to].max(layers[at] + 1);
            waits[*to] -= 1;
            if waits[*to] == 0 {
                free.push(*to);
            }
        }
    }
    layers
}

#[cfg(test)]
mod tests;
