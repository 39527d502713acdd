//! Which tasks a verb is about: an object whose members become parameters. What none of them may be is the
//! server's to say.

use windlass_core::rules::limits;
use windlass_core::{Error, Result};

use super::members::{Members, plain};

/// The parameters that a page is asked for by.
///
/// # Errors
///
/// `invalid_argument`.
pub(crate) fn page(query: &str) -> Result<Vec<(String, String)>> {
    let mut members = Members::read("query", query)?;
    let limit = members.take("limit").map_or_else(|| Ok("100".to_owned()), |l| plain("limit", &l));
    let mut query = parameters(members)?;
    query.push(("limit".to_owned(), limit?));
    Ok(query)
}

/// The parameters of a verb over all tasks that match, and where it stops, else at `default`. Errors as
/// `page`.
pub(crate) fn bounded(query: &str, default: u32, limit: u32) -> Result<(Vec<(String, String)>, u32)> {
    let mut members = Members::read("query", query)?;
    let most = match members.take("most") {
        Some(most) => most.get().parse().map_err(|_| {
            Error::invalid("most", format!("must be 1 to {limit}, not {most}"))
        })?,
        None => default,
    };
    limits::check_most(most, limit)?;
    Ok((parameters(members)?, most))
}

fn parameters(members: Members) -> Result<Vec<(String, String)>> {
    let mut query = Vec::new();
    for (name, raw) in members.0 {
        match (&*name, raw.get()) {
            (_, "null") => {}
            ("status", text) => {
                let words: Vec<String> = serde_json::from_str(text)
                    .map_err(|error| Error::invalid("status", error.to_string()))?;
                query.extend(words.into_iter().map(|word| (name.clone(), word)));
            }
            ("labels", text) => {
                for (label, value) in Members::read("labels", text)?.0 {
                    query.push((["label.", &label].concat(), plain("labels", &value)?));
                }
            }
            _ => {
                let value = plain(&name, &raw)?;
                query.push((name, value));
            }
        }
    }
    Ok(query)
}
