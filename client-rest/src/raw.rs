//! Calls that no verb of `Service` makes. Their answers are handed on as they are.

use bytes::Bytes;
use serde_json::value::RawValue;
use windlass_core::{Result, TaskId};

use crate::call::Call;
use crate::service::RestService;

impl RestService {
    /// Has the server run a parallel block, told by JSON text; the JSON text of its answer. Never
    /// repeated: a block that ran twice would have done its work twice.
    ///
    /// # Errors
    ///
    /// `invalid_argument`, `not_implemented`, and what every call may meet.
    pub async fn execute_block(&self, tenant: &str, block: String) -> Result<Box<RawValue>> {
        let path = "/parallel/execute".to_owned();
        let call = Call::post("execute a block", path, Some(Bytes::from(block)));
        self.calls.ask(&call.tenant(tenant).once()).await
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
