//! A graph of stages as text that Mermaid draws.

use std::collections::HashMap;
use std::fmt::Write;

use crate::rules::graph::Vertex;
use crate::words::{Pipeline, PipelineSpec, TaskStatus};

/// The flowchart of a graph, from the top down; each vertex in the colour of its status, where it has one.
///
/// A name that is not there, as one of a graph that was not checked, has no edge.
///
/// ```
/// use windlass_core::rules::{graph::Vertex, mermaid};
/// let before = ["extract".to_owned()];
/// let stages = [
///     (Vertex { name: "extract", depends_on: &[] }, None),
///     (Vertex { name: "load", depends_on: &before }, None),
/// ];
/// let text = "flowchart TD\n    s0[\"extract\"]\n    s1[\"load\"]\n    s0 --> s1\n";
/// assert_eq!(mermaid::draw(&stages), text);
/// ```
pub fn draw(vertices: &[(Vertex<'_>, Option<TaskStatus>)]) -> String {
    let mut text = String::from("flowchart TD\n");
    let mut places = HashMap::with_capacity(vertices.len());
    for (at, (vertex, status)) in vertices.iter().enumerate() {
        places.entry(vertex.name).or_insert(at);
        let class = status.map(|status| format!(":::{status}")).unwrap_or_default();
        // Writing to text cannot fail.
        let _ = writeln!(text, "    s{at}[\"{}\"]{class}", label(vertex.name));
    }
    for (to, (vertex, _)) in vertices.iter().enumerate() {
        for from in vertex.depends_on.iter().filter_map(|name| places.get(name.as_str())) {
            let _ = writeln!(text, "    s{from} --> s{to}");
        }
    }
    for status in TaskStatus::ALL {
        if vertices.iter().any(|(_, of)| *of == Some(status)) {
            let _ = writeln!(text, "    classDef {status} {}", colours(status));
        }
    }
    text
}

/// The flowchart of a pipeline that is to run.
pub fn of_spec(spec: &PipelineSpec) -> String {
    let vertex = |name, depends_on| (Vertex { name, depends_on }, None);
    let stages: Vec<_> =
        spec.stages.iter().map(|stage| vertex(&*stage.name, &*stage.depends_on)).collect();
    draw(&stages)
}

/// The flowchart of a pipeline as it stands.
pub fn of_pipeline(pipeline: &Pipeline) -> String {
    let stages = pipeline.stages.iter().map(|stage| {
        (Vertex { name: &stage.name, depends_on: &stage.depends_on }, Some(stage.status))
    });
    draw(&stages.collect::<Vec<_>>())
}

/// A name as a label: what Mermaid, or the page around it, would take for its own is written by its number.
fn label(name: &str) -> String {
    let mut label = String::with_capacity(name.len());
    for letter in name.chars() {
        match letter {
            '"' | '#' | '&' | '<' | '>' | '`' | '\\' | ';' => {
                let _ = write!(label, "#{};", u32::from(letter));
            }
            letter if letter.is_control() => label.push(' '),
            letter => label.push(letter),
        }
    }
    label
}

const fn colours(status: TaskStatus) -> &'static str {
    match status {
        TaskStatus::Blocked => "fill:#eceff1,stroke:#90a4ae,color:#37474f",
        TaskStatus::Scheduled => "fill:#ede7f6,stroke:#7e57c2,color:#311b92",
        TaskStatus::Pending => "fill:#fff8e1,stroke:#ffb300,color:#5d4037",
        TaskStatus::Running => "fill:#e3f2fd,stroke:#1e88e5,color:#0d47a1",
        TaskStatus::Completed => "fill:#e8f5e9,stroke:#43a047,color:#1b5e20",
        TaskStatus::Failed => "fill:#ffebee,stroke:#e53935,color:#b71c1c",
        TaskStatus::Cancelled => "fill:#fafafa,stroke:#757575,color:#424242",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_escaped_and_colours_are_those_of_the_statuses() {
        let before = ["a\"]; click \"x".to_owned(), "not there".to_owned()];
        let stages = [
            (Vertex { name: &before[0], depends_on: &[] }, Some(TaskStatus::Completed)),
            (Vertex { name: "<b>\n#1", depends_on: &before }, Some(TaskStatus::Blocked)),
        ];
        let text = draw(&stages);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[1], "    s0[\"a#34;]#59; click #34;x\"]:::completed");
        assert_eq!(lines[2], "    s1[\"#60;b#62; #35;1\"]:::blocked");
        assert_eq!(lines[3], "    s0 --> s1");
        assert!(lines[4].starts_with("    classDef blocked ") && lines.len() == 6, "{text}");
    }
}
