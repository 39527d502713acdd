//! Texts that broke a reader somewhere before, kept in `corpus/nasty.json`.
//!
//! The file is a list of `{"name", "parts"}`; a part is `[text, times]`, so that a mebibyte takes one line.

use std::sync::LazyLock;

use proptest::sample::Index;
use proptest::strategy::Strategy;
use serde_json::Value;

/// One text.
#[derive(Debug, Clone)]
pub struct Entry {
    /// What is nasty about it.
    pub name: String,
    /// The text.
    pub text: String,
}

/// All of them.
///
/// # Panics
///
/// When the file is broken: a target without its corpus proves less than it says.
pub fn entries() -> &'static [Entry] {
    static ENTRIES: LazyLock<Vec<Entry>> = LazyLock::new(|| {
        let file: Vec<Value> = serde_json::from_str(include_str!("../corpus/nasty.json"))
            .expect("the corpus is a list");
        file.iter().map(|entry| read(entry).expect("an entry has a name and parts")).collect()
    });
    &ENTRIES
}

fn read(entry: &Value) -> Option<Entry> {
    let mut text = String::new();
    for part in entry["parts"].as_array()? {
        text.push_str(&part[0].as_str()?.repeat(usize::try_from(part[1].as_u64()?).ok()?));
    }
    Some(Entry { name: entry["name"].as_str()?.to_owned(), text })
}

/// One of those of at most `most` bytes, to begin a mutation with.
pub fn pick(most: usize) -> impl Strategy<Value = String> {
    let few: Vec<_> = entries().iter().filter(|e| e.text.len() <= most).collect();
    proptest::prelude::any::<Index>().prop_map(move |index| index.get(&few).text.clone())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_corpus_holds_what_it_says() {
        let names: Vec<_> = super::entries().iter().map(|e| e.name.as_str()).collect();
        let mut once = names.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), names.len());
        assert!(super::entries().iter().any(|e| e.text.len() > 1 << 20));
        assert!(super::entries().iter().any(|e| e.text.contains('\0')));
    }
}
