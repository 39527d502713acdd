//! `windlass pipelines submit`

use std::time::Duration;

use clap::Args;
use windlass::{PipelineSpec, SubmitOptions};

use super::show;
use crate::cli::connect::Session;
use crate::cli::failure::Done;
use crate::cli::tasks::PATIENCE;
use crate::cli::{source, values};

/// Arguments of `windlass pipelines submit`.
#[derive(Debug, Args)]
#[command(after_help = "\
The file holds the pipeline as on the wire: a name, and stages whose tasks'
fields stand beside `name` and `depends_on`. All of it is stored or nothing,
and on disk when its id is printed:

  {\"name\": \"etl\", \"stages\": [
    {\"name\": \"extract\", \"task_type\": \"extract\"},
    {\"name\": \"load\", \"task_type\": \"load\", \"depends_on\": [\"extract\"]}]}

Examples:
  windlass pipelines submit etl.json --watch
  generate | windlass pipelines submit - --key etl-2026-11-20")]
pub(crate) struct SubmitArgs {
    /// The file; - reads standard input
    #[arg(value_name = "FILE")]
    file: String,
    /// Idempotency key: the same pipeline under one key is stored once
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// Follow it until it has ended
    #[arg(short, long)]
    watch: bool,
    /// Stop watching after this long
    #[arg(long, value_name = "DURATION", requires = "watch", value_parser = values::duration)]
    timeout: Option<Duration>,
}

impl SubmitArgs {
    pub(super) fn watches(&self) -> bool {
        self.watch
    }
}

/// Stores the pipeline. JSON is the submission record.
pub(super) async fn run(args: &SubmitArgs, session: &Session<'_>) -> Done {
    let mut spec = PipelineSpec::from_wire(&source::read(&args.file)?)?;
    if args.key.is_some() {
        spec.idempotency_key.clone_from(&args.key);
    }
    let (client, output) = (&session.client, session.output);
    let options = SubmitOptions { batch: false, patience: PATIENCE };
    let stored = client.service().submit_pipeline(client.tenant(), spec, options).await?;
    if stored.deduplicated {
        output.note(&format!("its key was known; the pipeline is {}", stored.status));
    }
    match (args.watch, output.is_json()) {
        (false, true) => Ok(output.json(&stored)?),
        (false, false) => Ok(output.line(&stored.pipeline_id.to_string())?),
        (true, _) => {
            output.note(&stored.pipeline_id.to_string());
            show::watch(session, stored.pipeline_id, args.timeout).await
        }
    }
}
