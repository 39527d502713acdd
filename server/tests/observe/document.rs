//! The document for operators names every metric, and none that is not there.

use std::collections::BTreeSet;

use serde_json::json;

use crate::stage::{Kind, Stage};

const DOCUMENT: &str = include_str!("../../../docs/operations.md");

/// Words that begin like a metric.
fn named() -> BTreeSet<&'static str> {
    let is_word = |c: char| c.is_ascii_lowercase() || c == '_';
    let words = DOCUMENT.split(|c| !is_word(c)).filter(|word| word.starts_with("windlass_"));
    words.map(|word| word.strip_suffix("_bucket").unwrap_or(word)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_metric_is_documented_and_no_other() {
    let stage = Stage::new(Kind::Memory).await;
    stage.post("/api/v1/tasks", json!({"task_type": "send"})).await;
    let scrape = stage.scrape().await;
    let as_read = |(name, kind): (&String, &String)| match kind.as_str() {
        "counter" => format!("{name}_total"),
        "info" => format!("{name}_info"),
        _ => name.clone(),
    };
    let there: BTreeSet<String> = scrape.kinds().iter().map(as_read).collect();
    let there: BTreeSet<&str> = there.iter().map(String::as_str).collect();
    assert_eq!(there, named());
}
