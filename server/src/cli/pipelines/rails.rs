//! Where the lines of a graph run when its vertices stand below each other: each vertex has a row of its own,
//! and a rail leads down to everything that still waits. As `git log --graph` draws history.

/// A row of the drawing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    /// Its rails, two characters for each.
    pub(super) rails: String,
    /// The vertex on it, and at which rail it stands.
    pub(super) vertex: Option<(usize, usize)>,
}

/// A drawing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rails {
    /// From the top down.
    pub(super) rows: Vec<Row>,
    /// Most rails beside each other.
    pub(super) widest: usize,
}

/// The place of a vertex among rails; it is replaced by its symbol.
pub(super) const SPOT: char = '*';

impl Rails {
    /// Draws a graph without circles; `upstream` are the vertices that each waits for. `None` when more than
    /// `most` rails would run beside each other.
    pub(super) fn draw(upstream: &[Vec<usize>], most: usize) -> Option<Self> {
        let mut downstream = vec![Vec::new(); upstream.len()];
        for (to, from) in upstream.iter().enumerate() {
            from.iter().for_each(|from| downstream[*from].push(to));
        }
        let mut waits: Vec<usize> = upstream.iter().map(Vec::len).collect();
        let mut roots = (0..upstream.len()).filter(|at| upstream[*at].is_empty());
        // To whom each rail leads.
        let mut lanes: Vec<Option<usize>> = Vec::new();
        let mut drawing = Self { rows: Vec::new(), widest: 0 };
        loop {
            // Leftmost first: what has begun goes on before something new begins.
            let ready = |to: &Option<usize>| to.is_some_and(|to| waits[to] == 0);
            let (vertex, lane) = match lanes.iter().position(ready) {
                Some(lane) => (lanes[lane].take()?, lane),
                None => match roots.next() {
                    Some(root) => (root, free(&mut lanes, 0)),
                    None => return Some(drawing),
                },
            };
            let rails = lanes.iter().enumerate().map(|(at, to)| match to {
                _ if at == lane => SPOT,
                Some(_) => '│',
                None => ' ',
            });
            let rails = spaced(rails.map(|c| (c, ' ')));
            drawing.rows.push(Row { rails, vertex: Some((vertex, lane)) });
            let before: Vec<bool> = lanes.iter().map(Option::is_some).collect();
            let mut ends = Vec::new();
            for to in &downstream[vertex] {
                waits[*to] -= 1;
                let known = lanes.iter().position(|lane| *lane == Some(*to));
                let at = known.unwrap_or_else(|| match lanes[lane] {
                    None => lane,
                    Some(_) => free(&mut lanes, lane + 1),
                });
                lanes[at] = Some(*to);
                ends.push(at);
            }
            drawing.widest = drawing.widest.max(lanes.len());
            if drawing.widest > most {
                return None;
            }
            if ends.iter().any(|at| *at != lane) {
                drawing.rows.push(Row { rails: joint(lane, &ends, &before, &lanes), vertex: None });
            }
            while lanes.last().is_some_and(Option::is_none) {
                lanes.pop();
            }
        }
    }
}

/// The first rail from `from` on that leads nowhere.
fn free(lanes: &mut Vec<Option<usize>>, from: usize) -> usize {
    let found = (from..lanes.len()).find(|at| lanes[*at].is_none());
    found.unwrap_or_else(|| {
        lanes.push(None);
        lanes.len() - 1
    })
}

/// The row below a vertex on rail `lane`, from which lines go to the rails `ends`.
fn joint(lane: usize, ends: &[usize], before: &[bool], after: &[Option<usize>]) -> String {
    let touched = |at: usize| at == lane || ends.contains(&at);
    let left = ends.iter().copied().min().unwrap_or(lane).min(lane);
    let right = ends.iter().copied().max().unwrap_or(lane).max(lane);
    let glyph = |at: usize| {
        let crossed = (left..=right).contains(&at);
        let up = at == lane || before.get(at).copied().unwrap_or(false);
        let down = after[at].is_some();
        let line = if crossed && at < right { '─' } else { ' ' };
        let glyph = match (touched(at), up, down) {
            (true, up, down) => corner(up, down, at > left, at < right),
            (false, true, _) => '│',
            (false, false, _) if crossed => '─',
            (false, false, _) => ' ',
        };
        (glyph, line)
    };
    spaced((0..after.len()).map(glyph))
}

const fn corner(up: bool, down: bool, left: bool, right: bool) -> char {
    match (up, down, left, right) {
        (true, true, false, true) => '├',
        (true, true, true, false) => '┤',
        (true, true, true, true) => '┼',
        (true, true, false, false) => '│',
        (false, true, true, false) => '╮',
        (false, true, false, true) => '╭',
        (false, true, true, true) => '┬',
        (true, false, true, false) => '╯',
        (true, false, false, true) => '╰',
        (true, false, true, true) => '┴',
        _ => '─',
    }
}

fn spaced(cells: impl Iterator<Item = (char, char)>) -> String {
    cells.flat_map(|(one, two)| [one, two]).collect::<String>().trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The drawing with the vertices' numbers in their places.
    fn drawn(upstream: &[&[usize]]) -> Vec<String> {
        let upstream: Vec<Vec<usize>> = upstream.iter().map(|from| from.to_vec()).collect();
        let rails = Rails::draw(&upstream, 99).expect("not wide");
        let number = |row: &Row| match row.vertex {
            Some((vertex, _)) => row.rails.replace(SPOT, &vertex.to_string()),
            None => row.rails.clone(),
        };
        rails.rows.iter().map(number).collect()
    }

    #[test]
    fn a_chain_is_a_column_and_strangers_stand_apart() {
        assert_eq!(drawn(&[&[], &[0], &[1]]), ["0", "1", "2"]);
        assert_eq!(drawn(&[&[], &[], &[0]]), ["0", "2", "1"]);
        assert_eq!(drawn(&[]), [""; 0]);
    }

    #[test]
    fn what_parts_comes_together_again() {
        assert_eq!(
            drawn(&[&[], &[0], &[0], &[0], &[1, 2, 3]]),
            ["0", "├─┬─╮", "1 │ │", "│ 2 │", "├─╯ │", "│   3", "├───╯", "4"]
        );
    }

    #[test]
    fn a_line_passes_under_another() {
        // 0 leads to 1, 2 and 3; 2 alone leads to 4, which 1 leads to as well.
        assert_eq!(
            drawn(&[&[], &[0], &[0], &[1], &[2, 3], &[1, 4]]),
            ["0", "├─╮", "1 │", "├─│─╮", "3 │ │", "│ 2 │", "├─╯ │", "4   │", "╰───┤", "    5"]
        );
    }

    #[test]
    fn two_beginnings_share_what_follows() {
        assert_eq!(drawn(&[&[], &[], &[0, 1]]), ["0", "│ 1", "├─╯", "2"]);
        let wide: Vec<Vec<usize>> =
            (0..20).map(|n| if n == 0 { vec![] } else { vec![0] }).collect();
        assert_eq!(Rails::draw(&wide, 18), None);
        assert_eq!(Rails::draw(&wide, 19).expect("it fits").widest, 19);
    }
}
