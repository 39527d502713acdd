//! A graph of named vertices that wait for each other: the check, before anything is stored or run.

use std::collections::HashMap;

use crate::error::{Error, Result};

/// Names of a cycle that are told; more help nobody, and they may be long.
const TOLD: usize = 10;

/// A vertex: its name, and the names that it waits for.
#[derive(Debug, Clone, Copy)]
pub struct Vertex<'a> {
    /// Unique in its graph.
    pub name: &'a str,
    /// What must be done first; each once.
    pub depends_on: &'a [String],
}

/// An edge between vertices, told by their places: `to` waits for `from`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Edge {
    /// What must be done first.
    pub from: u32,
    /// What waits.
    pub to: u32,
}

/// Checks a graph and answers its edges, by `to`, then by `from`.
///
/// # Errors
///
/// `invalid_argument`, field `name` for a name given twice; field `depends_on` for a name that is not
/// there, one that is named twice, a vertex that waits for itself, and a cycle, which is told by its names,
/// as far as there are not too many: `a → b → a`.
pub fn check(vertices: &[Vertex<'_>]) -> Result<Vec<Edge>> {
    let mut places = HashMap::with_capacity(vertices.len());
    for (place, vertex) in vertices.iter().enumerate() {
        if places.insert(vertex.name, place as u32).is_some() {
            return Err(Error::invalid("name", format!("{:?} is given twice", vertex.name)));
        }
    }
    let mut edges = Vec::new();
    // The last vertex that named each one.
    let mut named_by = vec![None; vertices.len()];
    for (to, vertex) in vertices.iter().enumerate() {
        let (to, mut twice) = (to as u32, None::<u32>);
        for name in vertex.depends_on {
            let Some(from) = places.get(name.as_str()).copied() else {
                return Err(refused(
                    vertex.name,
                    &format!("depends on {name:?}, which is not there"),
                ));
            };
            if from == to {
                return Err(refused(vertex.name, "depends on itself"));
            }
            if named_by[from as usize].replace(to) == Some(to) {
                twice = twice.map_or(Some(from), |least| Some(from.min(least)));
            }
            edges.push(Edge { from, to });
        }
        if let Some(from) = twice {
            let name = vertices[from as usize].name;
            return Err(refused(vertex.name, &format!("depends on {name:?} twice")));
        }
    }
    let edges = ordered(vertices.len(), &edges);
    match cycle(vertices.len(), &edges) {
        None => Ok(edges),
        Some(places) => {
            let reason = format!("goes in a circle: {}", circle(vertices, &places));
            Err(Error::invalid("depends_on", reason))
        }
    }
}

/// The same edges by `to`, then by `from`: two rounds over the vertices, and no sort.
fn ordered(vertices: usize, edges: &[Edge]) -> Vec<Edge> {
    let mut by_from = Vec::with_capacity(edges.len());
    for (from, after) in (0u32..).zip(dependents(vertices, edges)) {
        by_from.extend(after.into_iter().map(|to| Edge { from, to }));
    }
    let mut by_to = Vec::with_capacity(edges.len());
    for (to, before) in (0u32..).zip(upstream(vertices, &by_from)) {
        by_to.extend(before.into_iter().map(|from| Edge { from, to }));
    }
    by_to
}

/// The names along a cycle; in the midst of a long one, how many there are.
fn circle(vertices: &[Vertex<'_>], places: &[u32]) -> String {
    let mut names: Vec<&str> = places.iter().map(|at| vertices[*at as usize].name).collect();
    let more = names.len().saturating_sub(1 + TOLD);
    let left_out = format!("… ({more} more)");
    if more > 0 {
        names.splice(TOLD..TOLD + more, [left_out.as_str()]);
    }
    names.join(" → ")
}

fn refused(name: &str, reason: &str) -> Error {
    Error::invalid("depends_on", format!("{name:?} {reason}"))
}

/// How many vertices each one waits for.
pub fn waits(vertices: usize, edges: &[Edge]) -> Vec<u32> {
    let mut waits = vec![0; vertices];
    edges.iter().for_each(|edge| waits[edge.to as usize] += 1);
    waits
}

/// The vertices that wait for each one.
pub fn dependents(vertices: usize, edges: &[Edge]) -> Vec<Vec<u32>> {
    let mut dependents = vec![Vec::new(); vertices];
    edges.iter().for_each(|edge| dependents[edge.from as usize].push(edge.to));
    dependents
}

/// The vertices that each one waits for.
pub fn upstream(vertices: usize, edges: &[Edge]) -> Vec<Vec<u32>> {
    let mut upstream = vec![Vec::new(); vertices];
    edges.iter().for_each(|edge| upstream[edge.to as usize].push(edge.from));
    upstream
}

/// The places along a cycle, the first repeated at the end, in the order in which work would flow.
fn cycle(vertices: usize, edges: &[Edge]) -> Option<Vec<u32>> {
    // Kahn's algorithm: what is left over after everything that can go has gone holds a cycle.
    let (mut waits, dependents) = (waits(vertices, edges), dependents(vertices, edges));
    let mut free: Vec<u32> = (0..vertices as u32).filter(|at| waits[*at as usize] == 0).collect();
    let mut gone = 0;
    while let Some(at) = free.pop() {
        gone += 1;
        for to in &dependents[at as usize] {
            waits[*to as usize] -= 1;
            if waits[*to as usize] == 0 {
                free.push(*to);
            }
        }
    }
    if gone == vertices {
        return None;
    }
    // Whatever is left waits for something that is left: walk against the edges until a place repeats.
    let mut upstream = vec![None; vertices];
    for edge in edges.iter().filter(|edge| waits[edge.from as usize] > 0) {
        upstream[edge.to as usize].get_or_insert(edge.from);
    }
    let first = (0..vertices as u32).find(|at| waits[*at as usize] > 0)?;
    let (mut path, mut seen) = (vec![first], vec![None; vertices]);
    seen[first as usize] = Some(0);
    loop {
        let next = upstream[*path.last()? as usize]?;
        let begin = seen[next as usize].replace(path.len());
        path.push(next);
        if let Some(begin) = begin {
            let mut circle = path.split_off(begin);
            circle.reverse();
            return Some(circle);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(graph: &[(&str, &[&str])]) -> Result<Vec<Edge>> {
        let names: Vec<Vec<String>> = graph
            .iter()
            .map(|(_, on)| on.iter().map(|name| (*name).to_owned()).collect())
            .collect();
        let vertices: Vec<Vertex<'_>> = graph
            .iter()
            .zip(&names)
            .map(|((name, _), depends_on)| Vertex { name, depends_on })
            .collect();
        check(&vertices)
    }

    fn refusal(graph: &[(&str, &[&str])]) -> String {
        checked(graph).unwrap_err().to_string()
    }

    #[test]
    fn a_graph_is_its_edges_in_whatever_order_it_is_given() {
        let edges = checked(&[("c", &["b", "a"]), ("a", &[]), ("b", &["a"])]).unwrap();
        let edge = |from, to| Edge { from, to };
        assert_eq!(edges, [edge(1, 0), edge(2, 0), edge(1, 2)]);
        assert_eq!(waits(3, &edges), [2, 0, 1]);
        assert_eq!(dependents(3, &edges), [vec![], vec![0, 2], vec![0]]);
        assert_eq!(checked(&[]).unwrap(), []);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_names() {
        assert!(refusal(&[("a", &[]), ("a", &[])]).contains("\"a\" is given twice"));
        assert!(refusal(&[("a", &["x"])]).contains("\"a\" depends on \"x\", which is not there"));
        assert!(refusal(&[("a", &["a"])]).contains("\"a\" depends on itself"));
        assert!(
            refusal(&[("a", &[]), ("b", &["a", "a"])]).contains("\"b\" depends on \"a\" twice")
        );
        let circle = refusal(&[
            ("in", &[]),
            ("a", &["in", "c"]),
            ("b", &["a"]),
            ("c", &["b"]),
            ("out", &["c"]),
        ]);
        assert!(
            circle.contains("a → b → c → a")
                || circle.contains("b → c → a → b")
                || circle.contains("c → a → b → c"),
            "{circle}"
        );
    }

    #[test]
    fn of_a_long_circle_a_part_is_told() {
        let ring = |count: usize| {
            let names: Vec<String> = (0..count).map(|n| format!("{n:0>100}")).collect();
            let vertices: Vec<Vertex<'_>> = (0..count)
                .map(|n| Vertex {
                    name: &names[n],
                    depends_on: std::slice::from_ref(&names[(n + count - 1) % count]),
                })
                .collect();
            check(&vertices).unwrap_err().to_string()
        };
        let long = ring(20_000);
        assert!(long.contains(" → … (19990 more) → "), "{long}");
        assert_eq!((long.matches(" → ").count(), long.len() < 1_500), (11, true));
        let whole = ring(10);
        assert_eq!((whole.matches(" → ").count(), whole.contains('…')), (10, false));
        let begin =
            |text: &str| text.split(": ").last().unwrap().chars().take(100).collect::<String>();
        assert!(long.ends_with(&begin(&long)), "it closes: {long}");
    }

    #[test]
    fn a_long_chain_does_not_overflow() {
        let names: Vec<String> = (0..100_000).map(|n| n.to_string()).collect();
        let vertices: Vec<Vertex<'_>> = (0..names.len())
            .map(|n| Vertex {
                name: &names[n],
                depends_on: if n == 0 { &[] } else { &names[n - 1..n] },
            })
            .collect();
        assert_eq!(check(&vertices).unwrap().len(), 99_999);
    }
}
