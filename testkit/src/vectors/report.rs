//! Counts what ran, so that nothing is left out unnoticed.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::json;

use super::file::{Case, VectorFile, spec};

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
        let text = std::fs::read_to_string(spec().join("expected-failures.toml"))
            .expect("spec/expected-failures.toml can be read");
        let table: toml::Table = text.parse().expect("spec/expected-failures.toml is TOML");
        let failures = table.get("failure").and_then(toml::Value::as_array);
        let listed = failures
            .into_iter()
            .flatten()
            .filter(|row| row["runner"].as_str() == Some(runner))
            .map(|row| row["id"].as_str().expect("an expected failure has an id").to_owned())
            .collect();
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
        let counts = json!({
            "runner": self.runner, "store": self.store,
            "passed": self.passed, "expected_failures": self.expected,
        });
        let folder = folder();
        std::fs::create_dir_all(&folder).expect("the folder of results can be made");
        let path = folder.join(format!("{}.json", self.runner));
        if self.failures.is_empty() {
            std::fs::write(&path, format!("{counts:#}\n")).expect("the results can be written");
        } else {
            // No results are better than old ones.
            let _ = std::fs::remove_file(&path);
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

/// `WINDLASS_RESULTS`, or `target/conformance` of this repository.
fn folder() -> PathBuf {
    std::env::var_os("WINDLASS_RESULTS")
        .map_or_else(|| spec().join("../target/conformance"), PathBuf::from)
}
