//! One verb on all tasks that match: counted first, then done in parts.

use std::io::{IsTerminal, Write, stderr, stdin};
use std::time::Duration;

use windlass::engine::{cancel, retry};
use windlass::rules::limits;
use windlass::{Changed, Client, Error, Filter, Stretch, Timestamp};

use crate::cli::connect::Session;
use crate::cli::failure::{Done, Failure};
use crate::cli::output::text::bar;

/// Tasks that one call changes: as many as it may. Each goes on where the one before stopped.
const PART: u64 = limits::CHANGE_MOST as u64;

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bulk {
    /// Cancel.
    Cancel,
    /// Run again.
    Retry,
}

impl Bulk {
    const fn word(self) -> &'static str {
        match self {
            Self::Cancel => "cancel",
            Self::Retry => "retry",
        }
    }

    /// The filter for what the verb changes; `None` when it changes nothing of it.
    fn narrow(self, filter: Filter) -> Option<Filter> {
        filter.among(match self {
            Self::Cancel => cancel::TAKES,
            Self::Retry => retry::TAKES,
        })
    }

    async fn call(
        self,
        client: &Client,
        filter: Filter,
        stretch: Stretch,
    ) -> Result<Changed, Error> {
        match self {
            Self::Cancel => client.cancel_matching(filter, stretch).await,
            Self::Retry => client.retry_matching(filter, stretch).await,
        }
    }
}

/// Counts, asks unless `sure`, and does it to as many as were counted. JSON is `changed` and `more`.
pub(super) async fn run(bulk: Bulk, filter: Filter, sure: bool, session: &Session<'_>) -> Done {
    if filter.is_empty() {
        let text = format!("nothing says which tasks to {}", bulk.word());
        return Err(Failure::usage(text, "give ids, or options such as --type and --status"));
    }
    let (filter, counted) = match bulk.narrow(filter.clone()) {
        Some(narrow) => {
            let until = asked_at(&narrow, &session.client).await?;
            let narrow = Filter { until: Some(until), ..narrow };
            let counted = session.client.count(narrow.clone(), limits::COUNT_MOST).await?.count;
            (narrow, counted)
        }
        None => (filter, 0),
    };
    let output = session.output;
    if counted == 0 {
        output.note(&format!("nothing to {}: no task matches", bulk.word()));
    } else {
        output.note(&format!("{counted} tasks to {}", bulk.word()));
        if !sure {
            confirm(bulk)?;
        }
    }
    let done = change(bulk, &filter, counted, session).await?;
    if output.is_json() {
        return Ok(output.json(&done)?);
    }
    let said = match bulk {
        Bulk::Cancel => "cancelled; those that run are told to stop",
        Bulk::Retry => "pending again",
    };
    Ok(output.line(&format!("{} {said}", done.changed))?)
}

/// What is stored after this was not meant: while a person thinks, new tasks would be changed in place of
/// those that were counted.
async fn asked_at(filter: &Filter, client: &Client) -> Result<Timestamp, Error> {
    // A server's time is known once it has answered; what was stored before its answer is meant.
    client.count(filter.clone(), 1).await?;
    let now = client.now().after(Duration::from_millis(1));
    Ok(filter.until.map_or(now, |until| until.min(now)))
}

/// In parts, until as many have changed as were counted, or no more match.
async fn change(
    bulk: Bulk,
    filter: &Filter,
    counted: u64,
    session: &Session<'_>,
) -> Result<Changed, Failure> {
    let aside = session.output.aside();
    let mut done = Changed { changed: 0, more: counted > 0, next: None };
    while done.more && done.changed < counted {
        let most = (counted - done.changed).min(PART) as u32;
        let part =
            bulk.call(&session.client, filter.clone(), Stretch { cursor: done.next, most }).await?;
        done = Changed { changed: done.changed + part.changed, ..part };
        let share = 100.0 * done.changed as f64 / counted as f64;
        aside.draw_over(&format!("{}  {} of {counted}", bar(share.floor()), done.changed))?;
    }
    Ok(done)
}

/// Asks the person at the terminal.
fn confirm(bulk: Bulk) -> Done {
    let word = bulk.word();
    if !stdin().is_terminal() {
        let text = format!("nobody is there to ask whether to {word} them");
        return Err(Failure::usage(text, "give --yes"));
    }
    let _ = write!(stderr(), "{word} them? [y/N] ");
    let _ = stderr().flush();
    let mut answer = String::new();
    stdin().read_line(&mut answer)?;
    match answer.trim() {
        "y" | "Y" | "yes" => Ok(()),
        _ => Err(Failure::usage("nothing was done", "answer y, or give --yes")),
    }
}
