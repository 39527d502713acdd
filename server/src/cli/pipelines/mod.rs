//! `windlass pipelines`: named stages that wait for each other.

mod draw;
mod ls;
mod rails;
mod show;
mod submit;

use clap::{Args, Subcommand};
use windlass::{Error, Pipeline, TaskId};

use crate::cli::connect::{Missing, Patience, Session};
use crate::cli::failure::{Done, Failure};

/// Commands on pipelines.
#[derive(Debug, Subcommand)]
pub(crate) enum PipelinesCommand {
    /// List pipelines, newest first
    Ls(ls::LsArgs),
    /// Draw a pipeline with how its stages stand
    Show(show::ShowArgs),
    /// Store the pipeline of a file
    Submit(submit::SubmitArgs),
    /// Cancel a pipeline, and its unfinished stages with it
    #[command(after_help = "\
Stages that wait are cancelled at once, running ones as soon as their code has
stopped. A pipeline that has ended stays as it is, and that is no error.

Example:
  windlass pipelines cancel 019a0d5e-8f6b-7000-8000-000000000001")]
    Cancel(PipelineArgs),
    /// Run failed and cancelled stages again
    Retry(RetryArgs),
}

/// Which pipeline.
#[derive(Debug, Args)]
pub(crate) struct PipelineArgs {
    /// The pipeline
    #[arg(value_name = "ID")]
    id: String,
}

/// Arguments of `windlass pipelines retry`.
#[derive(Debug, Args)]
#[command(after_help = "\
What completed stays; what depends on a stage that runs again waits for it.

Examples:
  windlass pipelines retry 019a0d5e-8f6b-7000-8000-000000000001
  windlass pipelines retry ID --stage load")]
pub(crate) struct RetryArgs {
    /// The pipeline
    #[arg(value_name = "ID")]
    id: String,
    /// From this stage on [default: all that failed or were cancelled]
    #[arg(long, value_name = "NAME")]
    stage: Option<String>,
}

impl PipelinesCommand {
    /// Whether it follows something.
    pub(crate) fn patience(&self) -> Patience {
        let follows = match self {
            Self::Show(args) => args.watches(),
            Self::Submit(args) => args.watches(),
            _ => false,
        };
        if follows { Patience::Long } else { Patience::Short }
    }

    /// Whether it may make the store.
    pub(crate) fn when_missing(&self) -> Missing {
        if matches!(self, Self::Submit(_)) { Missing::Create } else { Missing::Refuse }
    }
}

/// Runs the command.
pub(crate) async fn run(command: &PipelinesCommand, session: &Session<'_>) -> Done {
    let (client, tenant) = (&session.client, session.client.tenant());
    match command {
        PipelinesCommand::Ls(args) => ls::run(args, session).await,
        PipelinesCommand::Show(args) => show::run(args, session).await,
        PipelinesCommand::Submit(args) => submit::run(args, session).await,
        PipelinesCommand::Cancel(args) => {
            let id = parse(&args.id)?;
            show::print(session, &client.service().cancel_pipeline(tenant, id).await?)
        }
        PipelinesCommand::Retry(args) => {
            let id = parse(&args.id)?;
            let stage = args.stage.clone();
            show::print(session, &client.service().retry_pipeline(tenant, id, stage).await?)
        }
    }
}

/// The pipeline that is meant; text that is no id is `pipeline_not_found`.
fn parse(id: &str) -> Result<TaskId, Failure> {
    let unknown = |_| Error::PipelineNotFound { pipeline_id: id.chars().take(64).collect() };
    Ok(id.parse().map_err(unknown)?)
}

/// The pipeline as it stands.
async fn look(session: &Session<'_>, id: TaskId) -> Result<Pipeline, Failure> {
    Ok(session.client.service().pipeline(session.client.tenant(), id).await?)
}
