//! One verb on several tasks, each for itself.

use serde::Serialize;
use serde_json::{Map, Value};
use windlass::{Error, Task};

use crate::cli::connect::Session;
use crate::cli::failure::{Done, Failure, exit, exit_of};
use crate::cli::output::record;

/// What became of each task, for programs.
#[derive(Debug, Default, Serialize)]
struct Answer {
    /// Tasks as they stand now, in the order given.
    tasks: Vec<Task>,
    /// What was refused, each with its `task_id`.
    errors: Vec<Map<String, Value>>,
}

/// Collects the answers of a verb, prints them, and ends with the exit code of the first refusal.
pub(super) struct Many<'a> {
    session: &'a Session<'a>,
    answer: Answer,
    code: i32,
}

impl<'a> Many<'a> {
    /// Nothing was asked yet.
    pub(super) fn new(session: &'a Session<'a>) -> Self {
        Self { session, answer: Answer::default(), code: exit::OK }
    }

    /// Takes the answer for one task; `said` is the sentence for people.
    ///
    /// # Errors
    ///
    /// An error of the store, which the other tasks would meet too.
    pub(super) fn take(
        &mut self,
        task_id: &str,
        answer: Result<Task, Error>,
        said: impl FnOnce(&Task) -> String,
    ) -> Done {
        match answer {
            Ok(task) => {
                if !self.session.output.is_json() {
                    self.session.output.line(&format!("{}  {}", task.task_id, said(&task)))?;
                }
                self.answer.tasks.push(task);
            }
            Err(error) if exit_of(&error) == exit::STORE => return Err(error.into()),
            Err(error) => {
                if self.code == exit::OK {
                    self.code = exit_of(&error);
                }
                let failure = Failure::from(error);
                if self.session.output.is_json() {
                    let Failure::Report(report) = &failure else { return Err(failure) };
                    let mut record = record(report);
                    record.insert("task_id".to_owned(), task_id.into());
                    self.answer.errors.push(record);
                } else {
                    self.session.output.failure(&failure);
                }
            }
        }
        Ok(())
    }

    /// Prints what is left and answers the exit code.
    pub(super) fn end(self) -> Done {
        if self.session.output.is_json() {
            self.session.output.json(&self.answer)?;
        }
        if self.code == exit::OK { Ok(()) } else { Err(Failure::Printed(self.code)) }
    }
}
