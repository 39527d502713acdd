//! Which tasks a verb is about: an object whose members become parameters. What none of them may be is the
//! server's to say.

use windlass_core::rules::limits;
use windlass_core::words::members::{Members, text, texts, unreadable};
use windlass_core::{Error, Result};

/// The parameters that a page is asked for by.
///
/// # Errors
///
/// `invalid_argument`.
pub(crate) fn page(query: &str) -> Result<Vec<(String, String)>> {
    let mut members = Members::read("query", query)?;
    let limit = members.take("limit").map_or_else(|| Ok("100".to_owned()), |l| plain("limit", l));
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
    let cursor = cursor.map(|cursor| [",\"cursor\":", cursor].concat());
    let body = ["{\"most\":", &most.to_string(), &cursor.unwrap_or_default(), "}"].concat();
    Ok((parameters(members)?, body))
}

fn most(members: &mut Members<'_>, default: u32, limit: u32) -> Result<u32> {
    let Some(most) = members.take("most") else { return Ok(default) };
    let refused = |_| Error::invalid("most", format!("must be 1 to {limit}, not {most}"));
    let most = most.parse().map_err(refused)?;
    limits::check_most(most, limit).map(|()| most)
}

fn parameters(members: Members<'_>) -> Result<Vec<(String, String)>> {
    let mut query = Vec::new();
    for (name, raw) in members.0 {
        match (&*name, raw) {
            (_, "null") => {}
            ("status", text) => {
                let words = texts(text).map_err(|error| unreadable("status", &error))?;
                query.extend(words.into_iter().map(|word| (name.to_string(), word)));
            }
            ("labels", text) => {
                for (label, value) in Members::read("labels", text)?.0 {
                    query.push((["label.", &label].concat(), plain("labels", value)?));
                }
            }
            _ => {
                let value = plain(&name, raw)?;
                query.push((name.into_owned(), value));
            }
        }
    }
    Ok(query)
}

/// What a JSON text says in a URL: a text without its quotes, anything else as it stands.
///
/// # Errors
///
/// `invalid_argument` with `field`.
fn plain(field: &str, raw: &str) -> Result<String> {
    match raw.starts_with('"') {
        true => text(raw).map_err(|error| unreadable(field, &error)),
        false => Ok(raw.to_owned()),
    }
}
