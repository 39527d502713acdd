//! Runs the steps of a case.

use std::time::Duration;

use serde_json::{Value, json};

use super::file::Case;
use super::place::{Place, Site};
use super::value::{Saved, matches, resolve};
use super::verbs::{self, Trouble};

/// Names that a step may have.
const FIELDS: [&str; 10] =
    ["call", "args", "as", "save", "expect", "error", "advance", "sql", "write", "connect"];

/// Runs a case on a fresh store.
pub(super) fn run(case: &Case, place: &Place) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|e| e.to_string())?;
    runtime.block_on(run_steps(case, place))
}

async fn run_steps(case: &Case, place: &Place) -> Result<(), String> {
    if let Some(name) =
        case.rest.keys().find(|name| !["steps", "connect", "about"].contains(&name.as_str()))
    {
        return Err(format!("a case has no {name:?}"));
    }
    let steps = case.rest.get("steps").and_then(Value::as_array).ok_or("the case has no steps")?;
    let expecting = |step: &Value| step.get("expect").is_some() || step.get("error").is_some();
    if !steps.iter().any(expecting) {
        return Err("the case expects nothing".to_owned());
    }
    let mut site = Site::new(place, case.rest.get("connect").unwrap_or(&Value::Null))?;
    let mut saved = Saved::new();
    for (i, step) in steps.iter().enumerate() {
        run_step(step, &mut site, &mut saved).await.map_err(|e| format!("step {i} {step}: {e}"))?;
    }
    Ok(())
}

async fn run_step(step: &Value, site: &mut Site, saved: &mut Saved) -> Result<(), String> {
    let fields = step.as_object().ok_or("a step is an object")?;
    if let Some(name) = fields.keys().find(|name| !FIELDS.contains(&name.as_str())) {
        return Err(format!("a step has no {name:?}"));
    }
    if let Some(seconds) = step.get("advance") {
        let seconds = seconds.as_f64().ok_or("advance is no number")?;
        site.clock.advance(Duration::from_secs_f64(seconds));
        return Ok(());
    }
    if let Some(statements) = step.get("sql").and_then(Value::as_array) {
        return prepare(site, statements);
    }
    if let Some(text) = step.get("write").and_then(Value::as_str) {
        let file = site.file.as_ref().ok_or("this store has no file")?;
        return std::fs::write(file, text).map_err(|e| e.to_string());
    }
    let answer = answer(step, site, saved).await;
    match (answer, step.get("error")) {
        (Err(Trouble::Vector(text)), _) => Err(text),
        (Err(Trouble::Refused(error)), Some(want)) => {
            let given = json!({ "code": error.code(), "fields": error.fields() });
            matches(&resolve(want, saved)?, &given, "error")
        }
        (Err(Trouble::Refused(error)), None) => Err(format!("{}: {error}", error.code())),
        (Ok(given), Some(want)) => Err(format!("expected the error {want}, got {given}")),
        (Ok(given), None) => {
            if let Some(want) = step.get("expect") {
                matches(&resolve(want, saved)?, &given, "answer")?;
            }
            if let Some(name) = step.get("save").and_then(Value::as_str) {
                saved.insert(name.to_owned(), given);
            }
            Ok(())
        }
    }
}

async fn answer(step: &Value, site: &mut Site, saved: &Saved) -> Result<Value, Trouble> {
    if let Some(url) = step.get("connect").and_then(Value::as_str) {
        site.connect(url, "default").await?;
        return Ok(Value::Null);
    }
    let verb = step.get("call").and_then(Value::as_str);
    let verb = verb.ok_or_else(|| Trouble::Vector("the step has no verb".to_owned()))?;
    if verb == "reopen" {
        site.reopen().await?;
        return Ok(Value::Null);
    }
    let args = step.get("args").unwrap_or(&Value::Null);
    let args = resolve(args, saved).map_err(Trouble::Vector)?;
    let tenant = step.get("as").and_then(Value::as_str).unwrap_or("default");
    let client = site.client(tenant).await?;
    verbs::call(&client, verb, &args).await
}

/// Changes the database file behind the store's back.
fn prepare(site: &Site, statements: &[Value]) -> Result<(), String> {
    let file = site.file.as_ref().ok_or("this store has no file")?;
    let database = rusqlite::Connection::open(file).map_err(|e| e.to_string())?;
    for statement in statements {
        let statement = statement.as_str().ok_or("sql is no text")?;
        database.execute_batch(statement).map_err(|e| format!("{statement}: {e}"))?;
    }
    Ok(())
}
