//! The verbs of batches, pipelines, blocks and states: one call that names its verb, so that each costs a
//! binding no more than its name.

use windlass_core::{
    BatchId, BatchSpec, BlockSpec, Error, PipelineSpec, Result, SubmitOptions, TaskSpec,
};

use crate::client::Client;
use crate::submit;
use crate::text::text;

impl Client {
    /// Does `verb` of `subject`, with what it is `told`, which is empty where nothing is to be told. Answers
    /// JSON text; `None` where there is nothing of that name.
    ///
    /// | verb | subject | told | answers |
    /// | --- | --- | --- | --- |
    /// | `submit_batch` | its record | a list of task records | as [`submit::batch`] says |
    /// | `open_batch` | its record | | its id |
    /// | `extend_batch` | its id and the chunk's number: `ID 7` | a list of task records | how many tasks it has |
    /// | `seal_batch` | its id | | as [`submit::batch`] says |
    /// | `submit_pipeline` | its record | | as [`submit::pipeline`] says |
    /// | `pipeline`, `cancel_pipeline` | its id | | its record |
    /// | `retry_pipeline` | its id | a stage | its record |
    /// | `submit_block` | its record | | as [`submit::told`] says of one |
    /// | `block` | its id | | its result |
    /// | `upstream` | a task's id | a stage | the result |
    /// | `upstream_names` | a task's id | | the names |
    /// | `state` | its key | | the state |
    ///
    /// # Errors
    ///
    /// Those of the same verb of `windlass_core::Service`; `not_implemented` for any other.
    pub async fn compose(&self, verb: &str, subject: &str, told: &str) -> Result<Option<String>> {
        let (client, tenant) = (&self.client, self.client.tenant());
        let patient = SubmitOptions { batch: false, patience: self.patience };
        let answer = match verb {
            "submit_batch" => {
                let (spec, tasks) =
                    (BatchSpec::from_wire(subject)?, TaskSpec::list_from_wire(told)?);
                let stored = client.service().submit_batch(tenant, spec, tasks, patient).await;
                submit::batch(&stored?)?
            }
            "open_batch" => text(&client.open_batch(BatchSpec::from_wire(subject)?).await?)?,
            "extend_batch" => {
                let (id, chunk) = chunk(subject)?;
                text(&client.extend_batch(id, chunk, TaskSpec::list_from_wire(told)?).await?)?
            }
            "seal_batch" => {
                let id: BatchId = subject
                    .parse()
                    .map_err(|_| Error::BatchNotFound { batch_id: subject.to_owned() })?;
                submit::batch(&client.service().seal_batch(tenant, id, patient).await?)?
            }
            "submit_pipeline" => {
                let spec = PipelineSpec::from_wire(subject)?;
                let stored = client.service().submit_pipeline(tenant, spec, patient).await;
                submit::pipeline(&stored?)
            }
            "pipeline" => text(&client.pipeline(subject).await?)?,
            "cancel_pipeline" => text(&client.cancel_pipeline(subject).await?)?,
            "retry_pipeline" => {
                let stage = Some(told).filter(|stage| !stage.is_empty());
                text(&client.retry_pipeline(subject, stage).await?)?
            }
            "submit_block" => {
                let spec = BlockSpec::from_wire(subject)?;
                let stored = client.service().submit_block(tenant, spec, patient).await;
                submit::told(&[stored?])?
            }
            "block" => text(&client.block(subject).await?)?,
            "upstream" => {
                let found = client.upstream(subject, told).await?;
                return Ok(found.map(|result| result.as_str().to_owned()));
            }
            "upstream_names" => text(&client.upstream_names(subject).await?)?,
            "state" => {
                return Ok(client.state(subject).await?.map(|state| state.as_str().to_owned()));
            }
            other => return Err(Error::NotImplemented { feature: other.to_owned() }),
        };
        Ok(Some(answer))
    }
}

/// A batch's id and the number of a chunk.
///
/// # Errors
///
/// `invalid_argument`.
pub fn chunk(subject: &str) -> Result<(&str, u32)> {
    let (id, number) = subject.rsplit_once(' ').unwrap_or((subject, ""));
    let refused = |_| Error::invalid("chunk", "must be a whole number of 0 or more");
    number.parse().map(|number| (id, number)).map_err(refused)
}
