//! A URL is taken or refused with a code; nothing panics, no secret is shown, and no file appears but where
//! the URL says.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use proptest::prelude::*;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use windlass::{ConnectOptions, connect_on};
use windlass_fuzz::text::{any_text, mutated};
use windlass_fuzz::{corpus, target};

use super::hold;

const CODES: [&str; 5] =
    ["invalid_url", "invalid_store", "store_unavailable", "store_read_only", "schema_incompatible"];

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).expect("a folder of ours can be read");
    entries.map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
}

fn connects(runtime: &Runtime, url: &str) -> Result<bool, String> {
    match connect_on(runtime.handle().clone(), url, ConnectOptions::default()) {
        Ok(client) => {
            runtime.block_on(client.close()).map_err(|e| e.to_string())?;
            Ok(true)
        }
        Err(error) => {
            hold!(CODES.contains(&error.code()), "code {}: {error}", error.code());
            Ok(false)
        }
    }
}

const SCHEMES: [&str; 9] =
    ["memory", "Memory", "sqlite", "postgres", "https", "file", "", " sqlite", "mémoire"];

/// Whether the URL is one that opens a file, so that it may only be tried inside a folder of ours.
fn is_file(url: &str) -> bool {
    url.starts_with("sqlite:")
}

fn without_files(runtime: &Runtime, url: &str) -> Result<(), String> {
    let here = std::env::current_dir().map_err(|e| e.to_string())?;
    let before = names(&here);
    let taken = connects(runtime, url)?;
    // A server is asked nothing before the first verb; which of its URLs are taken is not judged here.
    let remote = url.starts_with("http:") || url.starts_with("https:");
    hold!(taken == url.starts_with("memory:") || remote, "taken: {taken}");
    hold!(names(&here) == before, "a file appeared in {}", here.display());
    Ok(())
}

#[test]
fn urls_corpus() {
    let runtime = Runtime::new().expect("a runtime");
    for entry in corpus::entries().iter().filter(|entry| !is_file(&entry.text)) {
        for url in [entry.text.clone(), format!("memory:{}", entry.text)] {
            if let Err(reason) = without_files(&runtime, &url) {
                panic!("{}: {reason}", entry.name);
            }
        }
    }
}

#[test]
fn urls_without_a_file() {
    let runtime = Runtime::new().expect("a runtime");
    let url = prop_oneof![
        (proptest::sample::select(&SCHEMES[..]), any_text(8))
            .prop_map(|(s, rest)| format!("{s}:{rest}")),
        (any_text(4), any_text(4)).prop_map(|(user, rest)| format!("x://{user}:hunter2@{rest}")),
        corpus::pick(200),
        proptest::sample::select(&["sqlite:", "sqlite://", "sqlite::memory:", "sqlite"][..])
            .prop_map(str::to_owned),
    ];
    // A path that mutation made could lie anywhere.
    let url = mutated(url).prop_filter("names no file", |url| {
        !is_file(url) || ["sqlite:", "sqlite://", "sqlite::memory:"].contains(&url.as_str())
    });
    target::fuzz("urls_without_a_file", 40, url, |url| without_files(&runtime, &url));
}

#[test]
fn urls_never_show_a_password() {
    let runtime = Runtime::new().expect("a runtime");
    let url = ("[a-z]{1,8}", "[a-z]{0,8}", "[a-z.]{0,8}(/[a-z?=&]{0,8})?");
    target::fuzz("urls_never_show_a_password", 20, url, |(scheme, user, place)| {
        let url = format!("{scheme}://{user}:s3cr3t@{place}");
        if is_file(&url) || url.starts_with("memory:") {
            return Ok(());
        }
        let refused = connect_on(runtime.handle().clone(), &url, ConnectOptions::default());
        let error = refused.err().ok_or("taken")?;
        let shown = format!("{error} {error:?} {:?}", error.fields());
        hold!(!shown.contains("s3cr3t"), "shows {shown}");
        Ok(())
    });
}

#[test]
fn urls_of_files_stay_in_their_folder() {
    let runtime = Runtime::new().expect("a runtime");
    let name = any_text(5).prop_map(|name| name.replace(['/', '\\'], "-"));
    let tail =
        prop_oneof![Just(String::new()), Just("/".to_owned()), Just("/none/x.db".to_owned())];
    let double = any::<bool>();
    // Each input opens files, so there are few.
    let inputs = (name, tail, double).prop_filter("lies below", |(name, ..)| name != "..");
    target::fuzz("urls_of_files_stay_in_their_folder", 4, inputs, |(name, tail, double)| {
        let outer = TempDir::new().map_err(|e| e.to_string())?;
        let inner = outer.path().join("inner");
        fs::create_dir(&inner).map_err(|e| e.to_string())?;
        let slashes = if double { "//" } else { "" };
        let url = format!("sqlite:{slashes}{}/{name}{tail}", inner.display());
        let taken = connects(&runtime, &url)?;
        hold!(names(outer.path()) == BTreeSet::from(["inner".to_owned()]), "files outside");
        let within = names(&inner);
        hold!(taken || within.is_empty(), "refused, and yet there is {within:?}");
        let stem = name.trim_end_matches('/');
        hold!(within.iter().all(|file| file.starts_with(stem)), "{within:?} beside {stem:?}");
        Ok(())
    });
}
