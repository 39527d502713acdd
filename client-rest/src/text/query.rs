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

/// The parameters of a count, with where it stops among them. Errors as `page`.
pub(crate) fn bounded(query: &str) -> Result<Vec<(String, String)>> {
    let mut members = Members::read("query", query)?;
    let most = most(&mut members, limits::COUNT_DEFAULT, limits::COUNT_MOST)?;
    let mut query = parameters(members)?;
    query.push(("most".to_owned(), most.to_string()));
    Ok(query)
}

/// The parameters of a verb that changes all tasks that match, and its body: how far it goes. Errors as
/// `page`.
pub(crate) fn stretch(query: &str) -> Result<(Vec<(String, String)>, String)> {
    let mut members = Members::read("query", query)?;
    let most = most(&mut members, limits::CHANGE_MOST, limits::CHANGE_MOST)?;
    let cursor = members.take("cursor");
    let cursor = cursor.map(|cursor| [",\"cursor\":", cursor.get()].concat());
    let body = ["{\"most\":", &most.to_string(), &cursor.unwrap_or_default(), "}"].concat();
    Ok((parameters(members)?, body))
}

fn most(members: &mut Members, default: u32, limit: u32) -> Result<u32> {
    let Some(most) = members.take("most") else { return Ok(default) };
    let refused = |_| Error::invalid("most", format!("must be 1 to {limit}, not {most}"));
    let most = most.get().parse().map_err(refused)?;
    limits::check_most(most, limit).map(|()| most)
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
