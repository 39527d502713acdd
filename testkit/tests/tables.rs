//! The tables in `spec/` say what the engine does.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;
use windlass_core::{
    Batch, BlockResult, Changed, ClusterHealth, Count, Error, Hooks, Lease, LogLevel, Members,
    Pipeline, Priority, QueueInfo, RetryOptions, Stage, StepResult, Submission, Tally, Task,
    TaskError, TaskEvent, TaskEventKind, TaskId, TaskKind, TaskStatus, Update, Waiting, Why,
    WorkerInfo,
};

fn table(name: &str) -> toml::Table {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../spec").join(name);
    std::fs::read_to_string(&path).unwrap().parse().unwrap()
}

/// One of each variant.
fn every_error() -> Vec<Error> {
    let text = || "x".to_owned();
    let task_id = TaskId::from_bytes([7; 16]);
    let timeout = Duration::from_millis(1_500);
    vec![
        Error::invalid("x", "x"),
        Error::InvalidPayload { field: text(), reason: text() },
        Error::PayloadTooLarge { field: text(), size_bytes: 2, limit_bytes: 1 },
        Error::TaskNotFound { task_id: text() },
        Error::BatchNotFound { batch_id: text() },
        Error::PipelineNotFound { pipeline_id: text() },
        Error::Authentication { reason: text() },
        Error::RateLimited { retry_after: timeout },
        Error::QuotaExceeded { quota_type: text(), current: 2, limit: 1 },
        Error::CircuitBreakerOpen { name: text(), retry_after: timeout },
        Error::ServiceUnavailable { reason: text(), retry_after: timeout },
        Error::Api { status_code: 500, reason: text() },
        Error::IdempotencyConflict { key: text(), task_id },
        Error::queue_full("x", 1),
        Error::LeaseLost { task_id },
        Error::InvalidTransition {
            task_id,
            status: TaskStatus::Running,
            verb: "retry".into(),
            needs: "failed".into(),
        },
        Error::TaskTimeout { task_id: text(), timeout },
        Error::TaskFailed { task_id, error: Box::new(TaskError::new("handler_error", "x")) },
        Error::TaskCancelled { task_id },
        Error::WorkerNotAvailable { task_id, timeout, task_type: text() },
        Error::HandlerNotFound { task_type: text() },
        Error::ClientClosed,
        Error::InvalidUrl { url: text(), reason: text() },
        Error::unavailable("x", std::io::Error::other("x")),
        Error::StoreFull { location: text() },
        Error::StoreReadOnly { location: text() },
        Error::InvalidStore { location: text(), reason: text() },
        Error::SchemaIncompatible { location: text(), found: 2, supported: 1 },
        Error::NotImplemented { feature: text() },
        Error::internal("x"),
    ]
}

fn fits(kind: &str, value: &Value) -> bool {
    match kind {
        "string" => value.is_string(),
        "integer" => value.is_u64(),
        "seconds" => value.is_f64(),
        "status" => serde_json::from_value::<TaskStatus>(value.clone()).is_ok(),
        "task_error" => serde_json::from_value::<TaskError>(value.clone()).is_ok(),
        other => panic!("errors.toml has a type {other:?} that no test knows"),
    }
}

#[test]
fn every_code_is_known_to_who_hands_errors_on() {
    for error in every_error() {
        assert_eq!(windlass_core::words::known_code(error.code()), Some(error.code()));
    }
    assert_eq!(windlass_core::words::known_code("x"), None);
}

#[test]
fn the_table_of_errors_is_the_enum() {
    let table = table("errors.toml");
    let rows: BTreeMap<&str, &toml::Table> = table["error"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row.as_table().unwrap())
        .map(|row| (row["code"].as_str().unwrap(), row))
        .collect();
    let errors = every_error();
    let codes: BTreeSet<&str> = errors.iter().map(Error::code).collect();
    assert_eq!(codes, rows.keys().copied().collect(), "codes of the enum and of the table");
    for error in &errors {
        let (code, row) = (error.code(), rows[error.code()]);
        assert_eq!(row["http_status"].as_integer(), Some(error.http_status().into()), "{code}");
        assert_eq!(row["retryable"].as_bool(), Some(error.is_retryable()), "{code}");
        let variant = format!("{error:?}");
        assert!(variant.starts_with(row["rust"].as_str().unwrap()), "{code}: {variant}");
        let given = error.fields();
        let wanted: BTreeMap<&str, &str> = row["fields"]
            .as_array()
            .unwrap()
            .iter()
            .map(|field| (field["name"].as_str().unwrap(), field["type"].as_str().unwrap()))
            .collect();
        let names: BTreeSet<&str> = given.keys().map(String::as_str).collect();
        assert_eq!(names, wanted.keys().copied().collect(), "fields of {code}");
        for (name, kind) in wanted {
            assert!(fits(kind, &given[name]), "{code}.{name} is {kind}: {}", given[name]);
        }
    }
}

#[test]
fn no_variant_is_left_out_of_the_table() {
    // The enum may grow without this file noticing, but its list of codes cannot.
    let source = include_str!("../../core/src/error.rs");
    let codes: BTreeSet<&str> = source
        .lines()
        .filter_map(|line| line.trim().strip_prefix("Self::"))
        .filter_map(|line| line.split_once("=> \""))
        .map(|(_, code)| code.trim_end_matches("\","))
        .collect();
    let known: BTreeSet<&str> = every_error().iter().map(Error::code).collect();
    assert_eq!(codes, known);
}

#[test]
fn the_table_of_statuses_is_the_state_machine() {
    let table = table("statuses.toml");
    let rows = table["status"].as_array().unwrap();
    let words = |list: &toml::Value| -> BTreeSet<String> {
        list.as_array().unwrap().iter().map(|word| word.as_str().unwrap().to_owned()).collect()
    };
    let names: Vec<&str> = rows.iter().map(|row| row["name"].as_str().unwrap()).collect();
    assert_eq!(names, TaskStatus::ALL.map(TaskStatus::as_str));
    for (row, status) in rows.iter().zip(TaskStatus::ALL) {
        let next: BTreeSet<String> = status.next().iter().map(|s| s.as_str().to_owned()).collect();
        assert_eq!(words(&row["next"]), next, "{status}");
        assert_eq!(row["final"].as_bool(), Some(status.is_final()), "{status}");
    }
}

/// A value of a field's type, as `spec/words.toml` names types.
fn sample(
    kind: &str,
    records: &BTreeMap<&str, &toml::Table>,
    words: &BTreeMap<&str, &str>,
) -> Value {
    match kind {
        "string" => "x".into(),
        "integer" => 2.into(),
        "number" => 2.5.into(),
        "boolean" => true.into(),
        "instant" => "2030-01-01T00:00:00.000Z".into(),
        "json" => serde_json::json!({"k": 1}),
        "labels" => serde_json::json!({"k": "v"}),
        "counts" => serde_json::json!({"pending": 2}),
        word if words.contains_key(word) => words[word].into(),
        record => object(records[record], records, words),
    }
}

fn object(
    record: &toml::Table,
    records: &BTreeMap<&str, &toml::Table>,
    words: &BTreeMap<&str, &str>,
) -> Value {
    let fields = record["fields"].as_array().unwrap().iter();
    let value = |field: &toml::Value| {
        let name = field["name"].as_str().unwrap();
        let value = match name {
            "task_id" | "batch_id" | "block_id" | "pipeline_id" | "member_id" | "on_complete"
            | "on_success" | "on_failure" => "0190163d-8694-739b-aea5-966c26f8ad91".into(),
            _ => sample(field["type"].as_str().unwrap(), records, words),
        };
        let value = match field.get("many").and_then(toml::Value::as_str) {
            Some("list") => serde_json::json!([value]),
            Some(_) => serde_json::json!({"k": value}),
            None => value,
        };
        (name.to_owned(), value)
    };
    Value::Object(fields.map(value).collect())
}

/// What core makes of a record when it reads it and writes it again.
fn again<T: serde::Serialize + serde::de::DeserializeOwned>(record: &Value) -> Value {
    serde_json::to_value(serde_json::from_str::<T>(&record.to_string()).unwrap()).unwrap()
}

#[test]
fn words_toml_is_what_core_writes() {
    let table = table("words.toml");
    let named = |kind: &str| -> BTreeMap<&str, &toml::Table> {
        let entries = table[kind].as_array().unwrap().iter().map(|e| e.as_table().unwrap());
        entries.map(|entry| (entry["name"].as_str().unwrap(), entry)).collect()
    };
    let (words, records) = (named("word"), named("record"));
    let values = |word: &str| -> Vec<&str> {
        words[word]["values"].as_array().unwrap().iter().map(|v| v.as_str().unwrap()).collect()
    };
    let first = words.keys().map(|word| (*word, values(word)[0])).collect();

    assert_eq!(values("TaskState"), TaskStatus::ALL.map(TaskStatus::as_str));
    assert_eq!(values("PriorityName"), Priority::ALL.map(Priority::name));
    assert_eq!(values("TaskEventKind"), TaskEventKind::ALL.map(TaskEventKind::as_str));
    for word in values("LogLevel") {
        assert_eq!(again::<LogLevel>(&word.into()), Value::from(word));
    }
    assert_eq!(values("TaskKind"), TaskKind::ALL.map(TaskKind::as_str));
    for word in values("Waiting") {
        assert_eq!(again::<Waiting>(&word.into()), Value::from(word));
    }

    for (name, entry) in &records {
        let mut record = object(entry, &records, &first);
        let written = match *name {
            "TaskError" => again::<TaskError>(&record),
            "Lease" => again::<Lease>(&record),
            "RetryOptions" => again::<RetryOptions>(&record),
            "Submission" => again::<Submission>(&record),
            "Task" => {
                record["priority"] = 2.into();
                // The usual kind is left out.
                record["kind"] = "batch".into();
                again::<Task>(&record)
            }
            "TaskEvent" => again::<TaskEvent>(&record),
            "Why" => again::<Why>(&record),
            "Count" => again::<Count>(&record),
            "Tally" => again::<Tally>(&record),
            "Changed" => {
                record["next"] = format!("c1{:032x}", 7).into();
                again::<Changed>(&record)
            }
            "QueueInfo" => again::<QueueInfo>(&record),
            "WorkerInfo" => again::<WorkerInfo>(&record),
            "Batch" => again::<Batch>(&record),
            "Hooks" => again::<Hooks>(&record),
            "Members" => again::<Members>(&record),
            "Stage" => again::<Stage>(&record),
            "Pipeline" => again::<Pipeline>(&record),
            "StepResult" => again::<StepResult>(&record),
            "BlockResult" => again::<BlockResult>(&record),
            "ClusterHealth" => again::<ClusterHealth>(&record),
            // Parts of it.
            "NodeHealth" | "QueueHealth" | "WorkerHealth" => continue,
            // A part of a task.
            "TaskStatus" => {
                let task: BTreeSet<&str> = fields_of(records["Task"]);
                assert!(fields_of(entry).is_subset(&task));
                continue;
            }
            // Each kind has some of the fields; all kinds have all of them.
            "Update" => {
                let mut all = serde_json::Map::new();
                for kind in values("UpdateKind") {
                    record["kind"] = kind.into();
                    all.extend(again::<Update>(&record).as_object().unwrap().clone());
                }
                all.insert("kind".to_owned(), record["kind"].clone());
                Value::Object(all)
            }
            other => panic!("words.toml has a record {other} that no test knows"),
        };
        assert_eq!(written, record, "{name}");
    }
}

fn fields_of(record: &toml::Table) -> BTreeSet<&str> {
    let fields = record["fields"].as_array().unwrap().iter();
    fields.map(|field| field["name"].as_str().unwrap()).collect()
}
