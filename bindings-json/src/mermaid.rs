//! Graphs of stages as Mermaid draws them, in what crosses to a language without JSON.

use windlass_core::Result;
use windlass_core::rules::graph::Vertex;
use windlass_core::rules::mermaid;

/// The flowchart of stages by name. Stage `to[i]` waits for the stage that `from[i]` names; `statuses` has one for
/// each stage, or none at all.
///
/// # Errors
///
/// `invalid_argument` for a word that is no status.
pub fn draw(
    names: &[String],
    from: Vec<String>,
    to: &[u32],
    statuses: &[String],
) -> Result<String> {
    let mut depends_on = vec![Vec::new(); names.len()];
    for (name, to) in from.into_iter().zip(to) {
        if let Some(names) = depends_on.get_mut(*to as usize) {
            names.push(name);
        }
    }
    let mut vertices = Vec::with_capacity(names.len());
    for (at, (name, depends_on)) in names.iter().zip(&depends_on).enumerate() {
        let status = statuses.get(at).map(|word| word.parse()).transpose()?;
        vertices.push((Vertex { name, depends_on }, status));
    }
    Ok(mermaid::draw(&vertices))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_are_told_by_a_name_and_a_place() {
        let names = ["a", "b"].map(str::to_owned);
        let drawn = draw(&names, vec!["a".to_owned(), "gone".to_owned()], &[1, 7], &[]).unwrap();
        assert_eq!(drawn, "flowchart TD\n    s0[\"a\"]\n    s1[\"b\"]\n    s0 --> s1\n");
        let statuses = ["completed", "running"].map(str::to_owned);
        let drawn = draw(&names, Vec::new(), &[], &statuses).unwrap();
        assert!(drawn.contains("s1[\"b\"]:::running"), "{drawn}");
        assert_eq!(draw(&names, Vec::new(), &[], &names).unwrap_err().code(), "invalid_argument");
    }
}
