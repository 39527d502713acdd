//! Calls that no verb of `Service` makes. Their answers are handed on as they are.

use bytes::Bytes;
use serde_json::value::RawValue;
use windlass_core::words::members::Members;
use windlass_core::{Result, TaskId};

use crate::call::Call;
use crate::service::RestService;
use crate::text::KEY;

impl RestService {
    /// Has the server run a parallel block, told by JSON text; the JSON text of its answer. It is repeated
    /// only when the block names a key: one that ran twice would have done its work twice.
    ///
    /// # Errors
    ///
    /// `invalid_argument`, and what every call may meet.
    pub async fn execute_block(&self, tenant: &str, block: String) -> Result<Box<RawValue>> {
        let keyed = Members::read("block", &block).is_ok_and(|block| block.get(KEY).is_some());
        let path = "/parallel/execute".to_owned();
        let call = Call::post("execute a block", path, Some(Bytes::from(block))).tenant(tenant);
        self.calls.ask(&if keyed { call } else { call.once() }).await
    }

    /// How a task stands, in the form of the documents' small client; JSON text.
    ///
    /// # Errors
    ///
    /// `task_not_found`, and what every call may meet.
    pub async fn task_status(&self, tenant: &str, task_id: &str) -> Result<Box<RawValue>> {
        let path = format!("/tasks/{}/status", TaskId::parse(task_id)?);
        self.calls.ask(&Call::get("get a status", path).tenant(tenant)).await
    }
}
