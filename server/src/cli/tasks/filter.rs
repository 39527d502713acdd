//! Which tasks a command is about, as options say it.

use clap::Args;
use windlass::{BatchId, Client, Filter, TaskStatus};

use crate::cli::values::{self, Since};

/// Options that say which tasks. All that is given must hold.
#[derive(Debug, Args)]
#[group(id = "Filter", multiple = true)]
pub(super) struct FilterArgs {
    /// Of this status; may be given more than once
    #[arg(long, value_name = "STATUS", value_parser = values::status, value_delimiter = ',')]
    status: Vec<TaskStatus>,
    /// Of this task type
    #[arg(long = "type", value_name = "TYPE")]
    task_type: Option<String>,
    /// In this queue
    #[arg(long, value_name = "NAME")]
    queue: Option<String>,
    /// With this label; may be given more than once, then all must hold
    #[arg(long, value_name = "KEY=VALUE", value_parser = values::label)]
    label: Vec<(String, String)>,
    /// Submitted with this batch
    #[arg(long, value_name = "ID")]
    batch: Option<BatchId>,
    /// Submitted since this RFC 3339 instant, or this long ago: 10m, 2h, 3d
    #[arg(long, value_name = "WHEN")]
    since: Option<Since>,
    /// Submitted before this RFC 3339 instant, or before this long ago
    #[arg(long, value_name = "WHEN")]
    until: Option<Since>,
    /// Whose error message contains this text
    #[arg(long, value_name = "TEXT")]
    error: Option<String>,
}

impl FilterArgs {
    /// What they say, given the store's clock.
    pub(super) fn read(&self, client: &Client) -> Filter {
        Filter {
            status: self.status.clone(),
            task_type: self.task_type.clone(),
            queue: self.queue.clone(),
            labels: self.label.iter().cloned().collect(),
            batch_id: self.batch,
            kind: None,
            since: self.since.map(|since| since.resolve(client.now())),
            until: self.until.map(|until| until.resolve(client.now())),
            error: self.error.clone(),
        }
    }
}
