//! The vectors of `spec/vectors`, run through the public Rust interface.
//!
//! | file | what it does |
//! | --- | --- |
//! | `file` | reads the files and refuses what is broken |
//! | `value` | references, generators, and matching of answers |
//! | `place` | a store for one case, and clients on it |
//! | `verbs` | what a step can call |
//! | `scenario` | runs the steps of a case |
//! | `pure`, `wire` | cases of core's functions and of records |
//! | `steps` | blocks of steps, and advice on concurrency |
//! | `through` | the same functions, as a client shows them |
//! | `report` | counts what ran, for `spec/conformance.py` |
//!
//! The format is in `spec/README.md`.

mod calls;
mod file;
mod place;
mod pure;
mod report;
mod scenario;
mod steps;
#[cfg(test)]
mod tests;
mod through;
mod value;
mod verbs;
mod wire;

pub use place::Place;

use file::VectorFile;
use report::Report;

/// Runs every case that needs a client, each on a store of its own, and writes the counts.
///
/// # Panics
///
/// When a case fails that is not listed in `spec/expected-failures.toml`, when a listed one passes,
/// and when a file is missing, empty or broken.
pub fn run_on(place: &Place) {
    let mut report = Report::new(&place.runner(), Some(place.store()));
    for file in file::all().iter().filter(|file| file.runs_on(place.store())) {
        for case in &file.cases {
            report.ran(file, case, attempt(|| run_case(file, case, Some(place))));
        }
    }
    report.finish();
}

/// Runs every case of core's own functions and records, and writes the counts.
///
/// # Panics
///
/// As [`run_on`].
pub fn run_core() {
    let mut report = Report::new("core", None);
    for file in file::all().iter().filter(|file| file.runs_in_core()) {
        for case in &file.cases {
            report.ran(file, case, attempt(|| run_case(file, case, None)));
        }
    }
    report.finish();
}

fn run_case(file: &VectorFile, case: &file::Case, place: Option<&Place>) -> Result<(), String> {
    match (file.kind.as_str(), place) {
        ("pure", None) => pure::run(case, |input| pure::call(&file.function, input)),
        ("pure", Some(place)) => {
            pure::run(case, |input| through::call(&file.function, input, place))
        }
        ("scenario", Some(place)) => scenario::run(case, place),
        ("wire", None) => wire::run(file, case),
        (other, _) => Err(format!("no runner here for files of kind {other:?}")),
    }
}

/// A panic in a case is a failure of that case.
fn attempt(case: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(case)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Err(format!("panicked: {}", text.unwrap_or_default()))
    })
}
