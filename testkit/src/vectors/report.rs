//! Counts what ran, so that nothing is left out unnoticed.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::json;

use super::file::{Case, VectorFile, index, spec};

/// What one runner ran.
pub(super) struct Report {
    runner: String,
    store: Option<String>,
    /// Cases that passed, by file and law.
    passed: BTreeMap<String, BTreeMap<u32, u64>>,
    /// Cases that failed as `spec/expected-failures.toml` says.
    expected: Vec<String>,
    failures: Vec<String>,
    listed: Vec<String>,
}

impl Report {
    pub(super) fn new(runner: &str, store: Option<&str>) -> Self {
        let index = index();
        let listed = index["expected_failures"][runner].as_array().into_iter().flatten();
        let listed = listed.map(|id| id.as_str().expect("an id is text").to_owned()).collect();
        // Old results are worse than none.
        let _ = std::fs::remove_file(path(runner));
        Self {
            runner: runner.to_owned(),
            store: store.map(str::to_owned),
            passed: BTreeMap::new(),
            expected: Vec::new(),
            failures: Vec::new(),
            listed,
        }
    }

    /// Takes down how a case went.
    pub(super) fn ran(&mut self, file: &VectorFile, case: &Case, outcome: Result<(), String>) {
        let listed = self.listed.contains(&case.id);
        match outcome {
            Ok(()) if listed => self
                .failures
                .push(format!("{} passes: take it out of spec/expected-failures.toml", case.id)),
            Ok(()) => {
                let laws = self.passed.entry(file.name.clone()).or_default();
                *laws.entry(case.law.unwrap_or(file.law)).or_default() += 1;
            }
            Err(_) if listed => self.expected.push(case.id.clone()),
            Err(text) => self.failures.push(format!("{}: {text}", case.id)),
        }
    }

    /// Writes the counts and fails if anything went wrong.
    pub(super) fn finish(self) {
        // The listed failures go along: `spec/conformance.py` compares them.
        let counts = json!({
            "runner": self.runner, "store": self.store, "vectors": index()["digest"],
            "passed": self.passed, "expected_failures": self.expected,
        });
        if self.failures.is_empty() {
            let path = path(&self.runner);
            std::fs::write(&path, format!("{counts:#}\n")).expect("the results can be written");
        }
        let total: u64 = self.passed.values().flat_map(BTreeMap::values).sum();
        assert!(
            self.failures.is_empty(),
            "{}: {total} passed, {} failed:\n{}",
            self.runner,
            self.failures.len(),
            self.failures.join("\n")
        );
        assert!(total > 0, "{}: nothing ran", self.runner);
    }
}

/// Where a runner's results lie: in `WINDLASS_RESULTS`, or `target/conformance` of this repository.
fn path(runner: &str) -> PathBuf {
    let folder = std::env::var_os("WINDLASS_RESULTS")
        .map_or_else(|| spec().join("../target/conformance"), PathBuf::from);
    std::fs::create_dir_all(&folder).expect("the folder of results can be made");
    folder.join(format!("{runner}.json"))
}
