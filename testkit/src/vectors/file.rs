//! Reads the files of vectors and refuses what is broken.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value};

/// The folder `spec` of this repository.
pub(super) fn spec() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../spec")
}

/// Who runs a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Level {
    /// Every language, through its client.
    Client,
    /// Core alone: what no client shows.
    Core,
}

/// One file of vectors.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VectorFile {
    /// Path below `spec/vectors`.
    #[serde(skip)]
    pub(super) name: String,
    /// `pure`, `scenario` or `wire`: the first folder of its path.
    #[serde(skip)]
    pub(super) kind: String,
    /// What the cases show.
    #[allow(dead_code)]
    about: String,
    /// The law, where a case names none.
    pub(super) law: u32,
    /// Who runs it.
    level: Level,
    /// The function that pure cases call, or the record of wire cases.
    #[serde(default)]
    pub(super) function: String,
    /// Stores that it makes sense on; empty for all.
    #[serde(default)]
    stores: Vec<String>,
    /// The cases; at least one.
    pub(super) cases: Vec<Case>,
}

/// One case: its id and law, and what its kind of file defines.
#[derive(Debug, Deserialize)]
pub(super) struct Case {
    /// Unique in all files.
    pub(super) id: String,
    /// The law, unless it is the file's.
    pub(super) law: Option<u32>,
    /// Everything else.
    #[serde(flatten)]
    pub(super) rest: Map<String, Value>,
}

impl VectorFile {
    /// Whether it runs through a client on this store.
    pub(super) fn runs_on(&self, store: &str) -> bool {
        self.level == Level::Client
            && (self.stores.is_empty() || self.stores.iter().any(|s| s == store))
    }

    /// Whether it runs on core's functions, without a client: also functions that clients show.
    pub(super) fn runs_in_core(&self) -> bool {
        self.level == Level::Core || self.kind == "pure"
    }
}

/// `spec/vectors/index.json`: the files, a digest of them, and the failures that are expected.
pub(super) fn index() -> Value {
    parse(&spec().join("vectors/index.json"))
}

/// Every file, checked against the index.
///
/// # Panics
///
/// When a file is missing, empty, broken or not in the index, or an id stands twice.
pub(super) fn all() -> Vec<VectorFile> {
    let folder = spec().join("vectors");
    let index = index();
    let listed = index["files"].as_object().expect("index.json has files");
    assert!(!listed.is_empty(), "spec/vectors/index.json lists no files");
    let mut ids = std::collections::BTreeSet::new();
    let files: Vec<VectorFile> = listed
        .iter()
        .map(|(name, entry)| {
            let mut file: VectorFile = parse(&folder.join(name));
            let kind = name.split('/').next().unwrap_or_default();
            (file.name, file.kind) = (name.clone(), kind.to_owned());
            assert_eq!(
                Some(file.cases.len() as u64),
                entry["cases"].as_u64(),
                "spec/vectors/{name} and the index differ: run python3 spec/generate.py"
            );
            assert!(!file.cases.is_empty(), "spec/vectors/{name} has no cases");
            for case in &file.cases {
                assert!(ids.insert(case.id.clone()), "the id {} stands twice", case.id);
            }
            file
        })
        .collect();
    assert_eq!(
        count_files(&folder),
        files.len() + 1,
        "a file in spec/vectors is not in the index: run python3 spec/generate.py"
    );
    files
}

fn count_files(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).expect("spec/vectors can be read");
    entries
        .map(|entry| entry.expect("spec/vectors can be read").path())
        .map(|path| match path.is_dir() {
            true => count_files(&path),
            false => usize::from(path.extension().is_some_and(|e| e == "json")),
        })
        .sum()
}

fn parse<T: for<'de> Deserialize<'de>>(path: &Path) -> T {
    let text = std::fs::read_to_string(path)
        .unwrap_or_else(|error| panic!("{} cannot be read: {error}", path.display()));
    serde_json::from_str(&text)
        .unwrap_or_else(|error| panic!("{} is no vector file: {error}", path.display()))
}
