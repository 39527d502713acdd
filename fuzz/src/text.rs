//! Odd text, and mutations of any text.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

/// Pieces that readers stumble over.
const PIECES: [&str; 40] = [
    "\"", "\\", "\\u", "\\ud800", "\\u0000", "\0", "{", "}", "[", "]", ":", ",", "null", "true",
    "-", "+", ".", "0", "1e9", "e", "NaN", " ", "\n", "\u{feff}", "\u{202e}", "\u{2028}", "é",
    "e\u{301}", "😀", "%", "_", "'", ";", "/", "..", "@", "c1", "Z", "T", "=",
];

/// Any characters, some of them likely to be trouble.
pub fn any_text(most: usize) -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => proptest::sample::select(&PIECES[..]).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
        1 => proptest::char::range(' ', '~').prop_map(String::from),
    ];
    vec(piece, 0..most).prop_map(|pieces| pieces.concat())
}

/// One change of a text; places are fractions of its length.
#[derive(Debug, Clone)]
pub enum Mutation {
    /// Puts a text in.
    Insert(Index, String),
    /// Puts one character in the place of another.
    Swap(Index, char),
    /// Takes a part away.
    Delete(Index, Index),
    /// Repeats a part.
    Repeat(Index, Index),
    /// Ends the text here.
    Cut(Index),
}

impl Mutation {
    /// The text with this change.
    pub fn apply(&self, text: &mut String) {
        let place = |index: &Index| {
            let at = index.index(text.len() + 1);
            (0..=at).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0)
        };
        let part = |a: &Index, b: &Index| {
            let (a, b) = (place(a), place(b));
            a.min(b)..a.max(b)
        };
        match self {
            Self::Insert(at, new) => text.insert_str(place(at), new),
            Self::Swap(at, new) => {
                let at = place(at);
                if let Some(old) = text[at..].chars().next() {
                    text.replace_range(at..at + old.len_utf8(), new.encode_utf8(&mut [0; 4]));
                }
            }
            Self::Delete(a, b) => text.replace_range(part(a, b), ""),
            Self::Repeat(a, b) => {
                let range = part(a, b);
                let again = text[range.clone()].to_owned();
                text.insert_str(range.end, &again);
            }
            Self::Cut(at) => text.truncate(place(at)),
        }
    }
}

/// Up to `most` mutations; often none at all.
pub fn mutations(most: usize) -> impl Strategy<Value = Vec<Mutation>> {
    let one = prop_oneof![
        3 => (any::<Index>(), any_text(4)).prop_map(|(at, new)| Mutation::Insert(at, new)),
        2 => (any::<Index>(), proptest::char::range(' ', '~')).prop_map(|(at, c)| Mutation::Swap(at, c)),
        1 => (any::<Index>(), any::<Index>()).prop_map(|(a, b)| Mutation::Delete(a, b)),
        1 => (any::<Index>(), any::<Index>()).prop_map(|(a, b)| Mutation::Repeat(a, b)),
        1 => any::<Index>().prop_map(Mutation::Cut),
    ];
    prop_oneof![Just(Vec::new()), vec(one, 0..=most)]
}

/// Texts of `from`, with up to three mutations.
pub fn mutated(from: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    (from, mutations(3)).prop_map(|(mut text, mutations)| {
        mutations.iter().for_each(|mutation| mutation.apply(&mut text));
        text
    })
}
