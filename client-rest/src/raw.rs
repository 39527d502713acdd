//! Calls that no verb of `Service` makes. Their answers are handed on as they are.

use serde_json::value::RawValue;
use windlass_core::words::members::Members;
use windlass_core::{Result, TaskId};

use crate::service::RestService;
use crate::text::KEY;
use crate::verb;

impl RestService {
    /// Has the server run a parallel block, told by JSON text; the JSON text of its answer. One without a
    /// key is given one, so that a call whose answer was lost is repeated and runs nothing twice.
    ///
    /// # Errors
    ///
    /// `invalid_argument`, and what every call may meet.
    pub async fn execute_block(&self, tenant: &str, block: String) -> Result<Box<RawValue>> {
        let call = |block: String, repeats: bool| {
            let call = verb::EXECUTE_BLOCK.call().json(block.into()).tenant(tenant);
            if repeats { call } else { call.once() }
        };
        // What is no object is the server's to refuse.
        let call = match (block.trim_end().strip_suffix('}'), Members::read("block", &block)) {
            (Some(head), Ok(members)) if !members.has(KEY) => {
                let key = self.keys.next(self.calls.clock().now());
                let comma = if head.trim_end().ends_with('{') { "" } else { "," };
                call([head, comma, "\"", KEY, "\":\"", &key, "\"}"].concat(), true)
            }
            (_, Ok(members)) => {
                let keyed = members.get(KEY).is_some();
                call(block, keyed)
            }
            _ => call(block, false),
        };
        self.calls.ask(&call).await
    }

    /// How a task stands, in the form of the documents' small client; JSON text.
    ///
    /// # Errors
    ///
    /// `task_not_found`, and what every call may meet.
    pub async fn task_status(&self, tenant: &str, task_id: &str) -> Result<Box<RawValue>> {
        let task_id = TaskId::parse(task_id)?.to_string();
        self.calls.ask(&verb::STATUS.of(&[&task_id]).tenant(tenant)).await
    }
}
