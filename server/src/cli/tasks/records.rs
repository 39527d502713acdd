//! Tasks from a file of JSON lines.

use std::io::{BufRead, BufReader, Read};

use windlass::rules::limits::{PAYLOAD_BYTES, SUBMIT_TASKS};
use windlass::{Error, TaskSpec};

use crate::cli::failure::Failure;

/// Longest line: payload, state and metadata at their limits, and room for the rest.
const LINE_BYTES: usize = 4 * PAYLOAD_BYTES;

/// The tasks in `source`: `-` for standard input, else `@FILE`. One record on each line; empty lines
/// are passed over.
///
/// # Errors
///
/// `invalid_argument` or `invalid_payload` with the record's place, `tasks[2].priority`, and its line.
pub(super) fn read(source: &str) -> Result<Vec<TaskSpec>, Failure> {
    let input: Box<dyn Read> = match source.strip_prefix('@') {
        _ if source == "-" => Box::new(std::io::stdin().lock()),
        Some(path) => Box::new(std::fs::File::open(path).map_err(|e| unreadable(path, &e))?),
        None => {
            return Err(Error::invalid("batch", "must be @FILE, or - for standard input").into());
        }
    };
    let specs = parse(BufReader::new(input), source)?;
    if specs.is_empty() {
        return Err(Error::invalid("tasks", format!("{source} has no task in it")).into());
    }
    Ok(specs)
}

fn parse(mut input: impl BufRead, source: &str) -> Result<Vec<TaskSpec>, Failure> {
    let mut specs = Vec::new();
    let mut bytes = Vec::new();
    for number in 1_u64.. {
        bytes.clear();
        let most = LINE_BYTES as u64 + 1;
        let read = input.by_ref().take(most).read_until(b'\n', &mut bytes);
        if read.map_err(|error| unreadable(source, &error))? == 0 {
            break;
        }
        let place = format!("tasks[{}]", specs.len());
        windlass::rules::limits::size(&place, bytes.len(), LINE_BYTES)?;
        let text = std::str::from_utf8(&bytes).map_err(|error| {
            Error::invalid(place.as_str(), format!("line {number} is not UTF-8: {error}"))
        })?;
        if text.trim().is_empty() {
            continue;
        }
        if specs.len() == SUBMIT_TASKS {
            let reason = format!("more than {SUBMIT_TASKS}, which is the most for one batch");
            return Err(Error::invalid("tasks", reason).into());
        }
        specs.push(TaskSpec::from_wire(text).map_err(|error| locate(error, &place, number))?);
    }
    Ok(specs)
}

/// The same error with the place of the record in front of its field.
fn locate(error: Error, place: &str, number: u64) -> Error {
    match error {
        Error::InvalidArgument { field, reason } => Error::InvalidArgument {
            field: if field == "task" { place.to_owned() } else { format!("{place}.{field}") },
            reason: format!("{reason} (line {number})"),
        },
        Error::InvalidPayload { field, reason } => Error::InvalidPayload {
            field: format!("{place}.{field}"),
            reason: format!("{reason} (line {number})"),
        },
        other => other,
    }
}

fn unreadable(what: &str, error: &std::io::Error) -> Failure {
    let what = if what == "-" { "standard input" } else { what };
    Error::invalid("batch", format!("cannot read {what}: {error}")).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_named_by_its_place_and_its_line() {
        let text = "{\"task_type\": \"a\"}\n\n{\"task_type\": \"b\", \"priority\": 9}\n";
        let Err(Failure::Report(report)) = parse(text.as_bytes(), "-") else { panic!("refused") };
        assert_eq!(report.fields["field"], "tasks[1].priority");
        assert!(report.text.contains("line 3"), "{}", report.text);
        let specs = parse("{}\n{\"queue\": \"q\"}".as_bytes(), "-").unwrap();
        assert_eq!((specs.len(), specs[1].queue.as_str()), (2, "q"));
    }
}
