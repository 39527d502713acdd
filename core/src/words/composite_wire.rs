//! Batches, pipelines and blocks to submit, read from their wire records, naming the field that is wrong.

use crate::error::{Error, Result};
use crate::words::members::{self, Members, fraction, unreadable};
use crate::words::spec_wire::{json, labels, priority, retry, seconds, text, whole};
use crate::words::{BatchSpec, BlockSpec, Payload, PipelineSpec, StageSpec, TaskSpec};

const BATCH: &str = "name, on_complete, on_success, on_failure, idempotency_key, labels, metadata";
const PIPELINE: &str = "name, stages, timeout_seconds, idempotency_key, labels, metadata";
const BLOCK: &str = "name, strategy, quorum, rate_per_second, steps, task_type, max_concurrency, \
                     timeout_seconds, queue, priority, retry, max_retries, labels, idempotency_key, \
                     distribution_policy, enable_caching";

/// More fields than any record has: one of so many is not known, and is named.
const MOST: usize = 64;

/// The fields of a record, none of them twice.
fn fields<'a>(what: &str, text: &'a str) -> Result<Members<'a>> {
    let refused = |reason: String| Error::invalid(what, ["must be an object: ", &reason].concat());
    let members = Members::parse(text).map_err(|error| refused(error.to_string()))?;
    for (place, (name, _)) in members.0.iter().enumerate().take(MOST) {
        if members.0[..place].iter().any(|(known, _)| known == name) {
            return Err(refused(format!("duplicate key {name:?}")));
        }
    }
    Ok(members)
}

/// The fields that a record gives: `null` stands for left out.
fn given<'a>(what: &str, text: &'a str) -> Result<Members<'a>> {
    let mut members = fields(what, text)?;
    members.0.retain(|(_, raw)| *raw != "null");
    Ok(members)
}

fn list<'a>(field: &str, raw: &'a str) -> Result<Vec<&'a str>> {
    members::list(raw).map_err(|error| unreadable(field, &error))
}

fn boolean(field: &str, raw: &str) -> Result<bool> {
    match raw {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(Error::invalid(field, "must be true or false")),
    }
}

fn unknown(field: &str, what: &str, known: &str) -> Error {
    Error::invalid(field, format!("is not known; a {what} has {known}"))
}

fn missing(field: &str) -> Error {
    Error::invalid(field, "must be given")
}

impl BatchSpec {
    /// Reads what a batch is told beside its tasks: a JSON object with the names of the wire. Sizes and
    /// lengths are checked at submit.
    ///
    /// # Errors
    ///
    /// `invalid_argument` with the name of the field, also for an unknown one; `invalid_payload`. What is
    /// wrong with a hook is named `on_success.queue` and its like.
    pub fn from_wire(record: &str) -> Result<Self> {
        match Self::request_from_wire(record)? {
            (spec, None) => Ok(spec),
            _ => Err(unknown("tasks", "batch", BATCH)),
        }
    }

    /// The same with the batch's tasks, if `tasks` is given; a task's wrong field is named
    /// `tasks[3].queue`.
    ///
    /// # Errors
    ///
    /// As [`from_wire`](Self::from_wire).
    pub fn request_from_wire(record: &str) -> Result<(Self, Option<Vec<TaskSpec>>)> {
        let (mut spec, mut tasks) = (Self::default(), None);
        let hook = |name: &str, raw: &str| -> Result<Option<TaskSpec>> {
            TaskSpec::from_wire(raw).map(Some).map_err(|error| placed(error, name))
        };
        for (name, raw) in given("batch", record)?.0 {
            match &*name {
                "tasks" => tasks = Some(tasks_of(raw)?),
                "name" => spec.name = Some(text(&name, raw)?),
                "on_complete" => spec.on_complete = hook(&name, raw)?,
                "on_success" => spec.on_success = hook(&name, raw)?,
                "on_failure" => spec.on_failure = hook(&name, raw)?,
                "idempotency_key" => spec.idempotency_key = Some(text(&name, raw)?),
                "labels" => spec.labels = labels(raw)?,
                "metadata" => spec.metadata = Some(json(&name, raw)?),
                _ => return Err(unknown(&name, "batch", BATCH)),
            }
        }
        Ok((spec, tasks))
    }
}

fn tasks_of(raw: &str) -> Result<Vec<TaskSpec>> {
    // Most lists are right: the place is looked for only in one that is not.
    TaskSpec::list_from_wire(raw).or_else(|_| {
        let records = list("tasks", raw)?.into_iter().enumerate();
        records
            .map(|(at, record)| {
                TaskSpec::from_wire(record).map_err(|e| placed(e, &format!("tasks[{at}]")))
            })
            .collect()
    })
}

/// What is wrong in a task's record, by its place; what is no record is named by the place alone.
fn placed(error: Error, place: &str) -> Error {
    match error {
        Error::InvalidArgument { field, reason } if field == "task" => {
            Error::invalid(place, reason)
        }
        other => other.within(place),
    }
}

impl StageSpec {
    /// Reads a stage: the fields of its task stand beside `name` and `depends_on`.
    ///
    /// # Errors
    ///
    /// `invalid_argument` with the name of the field, also for an unknown one; `invalid_payload`.
    pub fn from_wire(record: &str) -> Result<Self> {
        let mut stage =
            Self { task: TaskSpec::new("stateless", Payload::null()), ..Self::default() };
        let mut is_named = false;
        for (name, raw) in fields("task", record)?.0 {
            match &*name {
                "name" if raw != "null" => {
                    stage.name = text(&name, raw)?;
                    is_named = true;
                }
                "depends_on" if raw != "null" => {
                    stage.depends_on =
                        members::texts(raw).map_err(|error| unreadable(&name, &error))?;
                }
                "name" | "depends_on" => {}
                _ => stage.task.set(&name, raw)?,
            }
        }
        if is_named { Ok(stage) } else { Err(missing("name")) }
    }
}

impl PipelineSpec {
    /// Reads a pipeline: a JSON object with the names of the wire. Whether its stages make a graph, sizes
    /// and lengths are checked at submit.
    ///
    /// # Errors
    ///
    /// `invalid_argument` with the name of the field, also for an unknown one; `invalid_payload`. What is
    /// wrong with a stage is named `stages[3].queue` and its like.
    pub fn from_wire(record: &str) -> Result<Self> {
        let (mut spec, mut is_named, mut has_stages) = (Self::default(), false, false);
        for (name, raw) in given("pipeline", record)?.0 {
            match &*name {
                "name" => {
                    spec.name = text(&name, raw)?;
                    is_named = true;
                }
                "stages" => {
                    spec.stages = stages(raw)?;
                    has_stages = true;
                }
                "timeout_seconds" => spec.timeout = Some(seconds(&name, raw)?),
                "idempotency_key" => spec.idempotency_key = Some(text(&name, raw)?),
                "labels" => spec.labels = labels(raw)?,
                "metadata" => spec.metadata = Some(json(&name, raw)?),
                _ => return Err(unknown(&name, "pipeline", PIPELINE)),
            }
        }
        match (is_named, has_stages) {
            (false, _) => Err(missing("name")),
            (_, false) => Err(missing("stages")),
            _ => Ok(spec),
        }
    }
}

fn stages(raw: &str) -> Result<Vec<StageSpec>> {
    let records = list("stages", raw)?.into_iter().enumerate();
    records
        .map(|(at, record)| {
            StageSpec::from_wire(record).map_err(|error| placed(error, &format!("stages[{at}]")))
        })
        .collect()
}

impl BlockSpec {
    /// Reads a block: a JSON object with the names of the wire. The strategy `all` is meant when none is
    /// given; whether the rest fits it, sizes and lengths are checked at submit.
    ///
    /// # Errors
    ///
    /// `invalid_argument` with the name of the field, also for an unknown one; `invalid_payload` with
    /// `steps[3]` and its like.
    pub fn from_wire(record: &str) -> Result<Self> {
        let mut spec = Self { strategy: "all".to_owned(), ..Self::default() };
        let mut has_steps = false;
        for (name, raw) in given("block", record)?.0 {
            match &*name {
                "name" => spec.name = text(&name, raw)?,
                "strategy" => spec.strategy = text(&name, raw)?,
                "quorum" => spec.quorum = Some(whole(&name, raw)?),
                "rate_per_second" => spec.rate_per_second = Some(fraction(&name, raw)?),
                "steps" => {
                    let steps = list(&name, raw)?.into_iter().enumerate();
                    let step = |(at, raw): (usize, &str)| json(&format!("steps[{at}]"), raw);
                    spec.steps = steps.map(step).collect::<Result<_>>()?;
                    has_steps = true;
                }
                "task_type" => spec.task_type = Some(text(&name, raw)?),
                "max_concurrency" => spec.max_concurrency = Some(whole(&name, raw)?),
                "timeout_seconds" => spec.timeout_seconds = Some(seconds(&name, raw)?),
                "queue" => spec.queue = Some(text(&name, raw)?),
                "priority" => spec.priority = priority(raw)?,
                // What `retry` says goes first, wherever it stands.
                "retry" => spec.retry = retry(raw)?.or(spec.retry),
                "max_retries" => {
                    let given = whole(&name, raw)?;
                    spec.retry.max_retries.get_or_insert(given);
                }
                "labels" => spec.labels = labels(raw)?,
                "idempotency_key" => spec.idempotency_key = Some(text(&name, raw)?),
                "distribution_policy" => spec.distribution_policy = Some(text(&name, raw)?),
                "enable_caching" => spec.enable_caching = Some(boolean(&name, raw)?),
                _ => return Err(unknown(&name, "block", BLOCK)),
            }
        }
        if has_steps { Ok(spec) } else { Err(missing("steps")) }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::words::Priority;

    fn refused<T: std::fmt::Debug>(read: Result<T>) -> (&'static str, String) {
        let error = read.expect_err("it is wrong");
        (error.code(), error.fields()["field"].as_str().unwrap_or_default().to_owned())
    }

    #[test]
    fn a_batch_is_read_with_its_hooks_and_written_again() {
        let text = r#"{"name":"n","on_failure":{"task_type":"f","payload":{"a":1e2}},
            "labels":{"n":7},"metadata":null,"on_complete":null,"idempotency_key":"k"}"#;
        let spec = BatchSpec::from_wire(text).unwrap();
        assert_eq!(spec.on_failure.as_ref().unwrap().payload.as_str(), r#"{"a":1e2}"#);
        assert_eq!((spec.labels["n"].as_str(), &spec.on_complete), ("7", &None));
        let again = serde_json::to_string(&spec).unwrap();
        assert_eq!(BatchSpec::from_wire(&again).unwrap(), spec);
        let with = r#"{"tasks":[{"queue":"q"},{}],"name":"n"}"#;
        assert_eq!(BatchSpec::request_from_wire(with).unwrap().1.unwrap()[0].queue, "q");
        for (text, code, field) in [
            (r#"{"tasks":[{},{"priority":9}]}"#, "invalid_argument", "tasks[1].priority"),
            (r#"{"tasks":[{},{},7]}"#, "invalid_argument", "tasks[2]"),
            (r#"{"tasks":7}"#, "invalid_argument", "tasks"),
            (r#"{"tasks":[{"payload":{"a":1,"a":2}}]}"#, "invalid_payload", "tasks[0].payload"),
            (r#"{"on_success":{"prio":1}}"#, "invalid_argument", "on_success.prio"),
            (r#"{"on_success":7}"#, "invalid_argument", "on_success"),
            (r#"{"name":"a","name":"b"}"#, "invalid_argument", "batch"),
            (r#"{"queue":"q"}"#, "invalid_argument", "queue"),
            ("[]", "invalid_argument", "batch"),
        ] {
            let named = refused(BatchSpec::request_from_wire(text));
            assert_eq!(named, (code, field.to_owned()), "{text}");
        }
        assert_eq!(refused(BatchSpec::from_wire(r#"{"tasks":[]}"#)).1, "tasks");
    }

    // PIP-03
    #[test]
    fn a_stages_task_stands_beside_its_name() {
        let text = r#"{"name":"p","timeout_seconds":3600,"stages":[{"name":"a","payload":1.50},
            {"name":"b","depends_on":["a"],"task_type":"t","max_retries":2,"queue":null}]}"#;
        let spec = PipelineSpec::from_wire(text).unwrap();
        assert_eq!(spec.timeout, Some(Duration::from_secs(3600)));
        assert_eq!(spec.stages[0].task.payload.as_str(), "1.50");
        let second = &spec.stages[1];
        assert_eq!((&*second.depends_on[0], &*second.task.queue), ("a", "default"));
        assert_eq!(second.task.retry.max_retries, Some(2));
        let again = serde_json::to_string(&spec).unwrap();
        assert_eq!(PipelineSpec::from_wire(&again).unwrap(), spec);
        for (text, field) in [
            (r#"{"stages":[]}"#, "name"),
            (r#"{"name":"p"}"#, "stages"),
            (r#"{"name":"p","stages":{}}"#, "stages"),
            (r#"{"name":"p","stages":[7]}"#, "stages[0]"),
            (r#"{"name":"p","stages":[{}]}"#, "stages[0].name"),
            (r#"{"name":"p","stages":[{"name":null}]}"#, "stages[0].name"),
            (r#"{"name":"p","stages":[{"name":"a"},{"name":"b","queue":7}]}"#, "stages[1].queue"),
            (r#"{"name":"p","stages":[{"name":"a","name":"b"}]}"#, "stages[0]"),
            (r#"{"name":"p","stages":[{"name":"a","depends_on":"b"}]}"#, "stages[0].depends_on"),
            (r#"{"name":"p","stages":[{"name":"a","prio":1}]}"#, "stages[0].prio"),
            (r#"{"name":"p","stages":[],"queue":"q"}"#, "queue"),
            (r#"{"name":"p","stages":[],"timeout_seconds":-1}"#, "timeout_seconds"),
        ] {
            let named = refused(PipelineSpec::from_wire(text));
            assert_eq!(named, ("invalid_argument", field.to_owned()), "{text}");
        }
    }

    // PAR-26
    #[test]
    fn a_block_has_the_documents_keys() {
        let text = r#"{"name":"b","steps":[{"a":1e2},2],"max_concurrency":2,"timeout_seconds":1.5,
            "distribution_policy":"local_first","enable_caching":true,"queue":null,"priority":"high"}"#;
        let spec = BlockSpec::from_wire(text).unwrap();
        assert_eq!((spec.strategy.as_str(), spec.steps[0].as_str()), ("all", r#"{"a":1e2}"#));
        assert_eq!(
            (spec.timeout_seconds, spec.priority),
            (Some(Duration::from_millis(1500)), Priority::High)
        );
        let again = serde_json::to_string(&spec).unwrap();
        assert_eq!(BlockSpec::from_wire(&again).unwrap(), spec);
        for (text, code, field) in [
            (r#"{"steps":7}"#, "invalid_argument", "steps"),
            (r#"{"step":[]}"#, "invalid_argument", "step"),
            ("{}", "invalid_argument", "steps"),
            (r#"{"strategy":"all","steps":null}"#, "invalid_argument", "steps"),
            (r#"{"steps":[{"a":1,"a":2}]}"#, "invalid_payload", "steps[0]"),
            (r#"{"max_concurrency":-1}"#, "invalid_argument", "max_concurrency"),
            (r#"{"quorum":1.5}"#, "invalid_argument", "quorum"),
            (r#"{"timeout_seconds":"x"}"#, "invalid_argument", "timeout_seconds"),
            (r#"{"retry":{"jitters":1}}"#, "invalid_argument", "retry.jitters"),
            (r#"{"strategy":7}"#, "invalid_argument", "strategy"),
            ("7", "invalid_argument", "block"),
        ] {
            assert_eq!(refused(BlockSpec::from_wire(text)), (code, field.to_owned()), "{text}");
        }
    }
}
