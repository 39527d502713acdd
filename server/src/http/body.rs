//! Bodies of batches, pipelines and blocks. Core reads them; here the record is the body.

use windlass_core::rules::limits;
use windlass_core::{BatchSpec, BlockSpec, Error, PipelineSpec, Result, TaskSpec};

use super::tasks::within;

/// A batch, and its tasks if any are told.
///
/// # Errors
///
/// `invalid_argument`, `invalid_payload`, `payload_too_large`, with the place: `tasks[3].priority`,
/// `on_failure.queue`.
pub(crate) fn batch(text: &str) -> Result<(BatchSpec, Option<Vec<TaskSpec>>)> {
    let (spec, tasks) = BatchSpec::request_from_wire(text).map_err(|e| of_body("batch", e))?;
    for (place, task) in tasks.iter().flatten().enumerate() {
        let checked = limits::check_spec(task);
        checked.map_err(|error| within(&format!("tasks[{place}]"), error))?;
    }
    Ok((spec, tasks))
}

/// A pipeline. Errors as [`batch`], with places such as `stages[2].queue`.
pub(crate) fn pipeline(text: &str) -> Result<PipelineSpec> {
    PipelineSpec::from_wire(text).map_err(|error| of_body("pipeline", error))
}

/// A block. Errors as [`batch`].
pub(crate) fn block(text: &str) -> Result<BlockSpec> {
    BlockSpec::from_wire(text).map_err(|error| of_body("block", error))
}

/// A record that is none is told as the body.
fn of_body(record: &str, error: Error) -> Error {
    match error {
        Error::InvalidArgument { field, reason } if field == record => {
            Error::invalid("body", reason)
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused<T>(read: Result<T>) -> String {
        let error = read.err().expect("it is wrong");
        assert_eq!(error.code(), "invalid_argument", "{error}");
        error.fields()["field"].as_str().unwrap_or_default().to_owned()
    }

    #[test]
    fn what_is_wrong_is_told_by_its_place_in_the_body() {
        for (text, field) in [
            (r#"{"tasks":[{},{"priority":9}]}"#, "tasks[1].priority"),
            (r#"{"tasks":[{},{},7]}"#, "tasks[2]"),
            (r#"{"tasks":[{"queue":""}]}"#, "tasks[0].queue"),
            (r#"{"tasks":7}"#, "tasks"),
            (r#"{"on_success":7}"#, "on_success"),
            (r#"{"name":7}"#, "name"),
            (r#"{"queue":"q"}"#, "queue"),
            ("[]", "body"),
            ("{", "body"),
        ] {
            assert_eq!(refused(batch(text)), field, "{text}");
        }
        assert_eq!(refused(pipeline("7")), "body");
        assert_eq!(refused(pipeline(r#"{"name":"p","stages":[{}]}"#)), "stages[0].name");
        assert_eq!(refused(block("")), "body");
        assert_eq!(refused(block(r#"{"steps":7}"#)), "steps");
    }
}
