//! The description of the interface (OpenAPI 3.1), made from the handlers.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::StatusCode;
use axum::routing::get;
use bytes::Bytes;
use serde_json::{Map, Value, json};
use windlass_core::rules::limits;
use windlass_core::words::{TaskEvent, Update};
use windlass_core::{ErrorBody, Problem};

use super::answer::{self, Answer};
use super::ask::Ask;
use super::serving::Serving;

/// What the description says beside the paths.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Windlass",
        description = "Durable tasks over HTTP. Errors are `application/problem+json` with a stable \
            `code`; delivery to workers is at least once.",
        license(name = "MIT OR Apache-2.0"),
    ),
    components(schemas(Problem, ErrorBody, Update, TaskEvent)),
    tags(
        (name = "tasks", description = "Submit, read, follow and change tasks."),
        (name = "batches", description = "Tasks with one progress and one completion."),
        (name = "pipelines", description = "Stages that wait for each other."),
        (name = "blocks", description = "Steps under a strategy."),
        (name = "states", description = "What tasks with one key share."),
        (name = "leases", description = "Take, keep and settle tasks: what a worker does."),
        (name = "workers", description = "Who is there."),
        (name = "queues", description = "What waits where."),
        (name = "health", description = "Whether and how the server lives."),
    ),
)]
pub(crate) struct Described;

/// The route that answers the description.
pub(crate) fn routes(
    description: &utoipa::openapi::OpenApi,
    guarded: bool,
) -> Router<Arc<Serving>> {
    let text = Bytes::from(complete(description, guarded).to_string());
    Router::new().route("/api/v1/openapi.json", get(|ask: Ask| answer(ask, text)))
}

async fn answer(ask: Ask, text: Bytes) -> Answer {
    ask.query(&[])?;
    Ok(answer::of(StatusCode::OK, Body::from(text)))
}

/// Statuses that any path may answer.
const ANYWHERE: [u16; 7] = [400, 401, 403, 408, 431, 500, 503];

/// Further statuses, by the error codes that the handler's verb names.
fn further(method: &str, path: &str, body: bool) -> Vec<u16> {
    let mut statuses = Vec::new();
    if path.contains('{') {
        statuses.push(404);
    }
    if body {
        statuses.extend([413, 415]);
    }
    match path.trim_start_matches("/api/v1") {
        "/tasks" | "/tasks/bulk" | "/batches" | "/batches/{id}/seal" | "/pipelines"
        | "/parallel/execute"
            if method == "post" =>
        {
            statuses.extend([422, 429, 507]);
        }
        "/tasks/wait" => statuses.push(404),
        "/tasks/{id}/retry" | "/pipelines/{id}/retry" => statuses.extend([409, 507]),
        _ if method != "get" => statuses.push(507),
        _ => {}
    }
    statuses
}

/// Adds to every operation what holds for all: the answers to errors, headers and the key.
fn complete(description: &utoipa::openapi::OpenApi, guarded: bool) -> Value {
    let mut whole = serde_json::to_value(description).unwrap_or_default();
    let paths = whole["paths"].as_object_mut().into_iter().flatten();
    for (path, item) in paths {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            if let Some(operation) = operation.as_object_mut() {
                finish(operation, method, path);
                if path.contains("/health") && !path.contains("cluster") {
                    operation.insert("security".to_owned(), json!([]));
                }
            }
        }
    }
    whole["components"]["responses"] = problems();
    whole["components"]["headers"] = json!({
        "X-Request-Id": header("Name of the request: its own, or made.", json!({"type": "string"})),
        "Windlass-Time": header("The time by the store's clock.",
            json!({"type": "string", "format": "date-time"})),
        "Retry-After": header("Seconds until another try may succeed.",
            json!({"type": "integer", "minimum": 1})),
    });
    let bearer = json!({ "type": "http", "scheme": "bearer" });
    whole["components"]["securitySchemes"] = json!({ "key": bearer });
    whole["security"] = if guarded { json!([{ "key": [] }]) } else { json!([{}, { "key": [] }]) };
    exclude_both(&mut whole["components"]["schemas"]["TaskSpec"], "run_at", "delay_seconds");
    needs(&mut whole["components"]["schemas"]);
    staged(&mut whole["components"]["schemas"]);
    blocks(&mut whole["components"]["schemas"]["BlockSpec"]);
    closed(&mut whole["components"]["schemas"]);
    exact(&mut whole);
    whole
}

fn header(description: &str, schema: Value) -> Value {
    json!({ "description": description, "schema": schema })
}

fn finish(operation: &mut Map<String, Value>, method: &str, path: &str) {
    // Handlers of different nouns share names.
    let tag = operation["tags"][0].as_str().unwrap_or_default().to_owned();
    if let Some(Value::String(id)) = operation.get_mut("operationId") {
        *id = format!("{tag}_{id}");
    }
    for parameter in
        operation.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten()
    {
        // One that is left out is not there; it is never null.
        not_null(&mut parameter["schema"]);
    }
    let body = operation.contains_key("requestBody");
    if let Some(body) = operation.get_mut("requestBody") {
        not_null(&mut body["content"]["application/json"]["schema"]);
    }
    let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) else {
        return;
    };
    for response in responses.values_mut() {
        response["headers"] = headers();
    }
    for status in ANYWHERE.into_iter().chain(further(method, path, body)) {
        let reference = format!("#/components/responses/Problem{status}");
        responses.entry(status.to_string()).or_insert(json!({ "$ref": reference }));
    }
}

fn headers() -> Value {
    json!({
        "X-Request-Id": { "$ref": "#/components/headers/X-Request-Id" },
        "Windlass-Time": { "$ref": "#/components/headers/Windlass-Time" },
    })
}

fn not_null(schema: &mut Value) {
    if let Some(kinds) = schema.get_mut("type").and_then(Value::as_array_mut) {
        kinds.retain(|kind| kind != "null");
        if let [kind] = &kinds[..] {
            schema["type"] = kind.clone();
        }
    }
    if let Some(choices) = schema.get_mut("oneOf").and_then(Value::as_array_mut) {
        choices.retain(|choice| choice["type"] != "null");
        if let [only] = &choices[..] {
            *schema = only.clone();
        }
    }
}

/// The answers to errors, one for each status.
fn problems() -> Value {
    let statuses = [
        (
            400,
            "`invalid_argument`, `invalid_payload`: `field` names what is wrong. Nothing changed.",
        ),
        (401, "`authentication_failed`: the key is missing or wrong."),
        (403, "`api_error`: a page of an origin that may not call."),
        (
            404,
            "`task_not_found`, `batch_not_found`, `pipeline_not_found`, or `api_error` for anything else.",
        ),
        (408, "`api_error`: the body took too long."),
        (409, "`invalid_transition`: the task's status does not allow it."),
        (413, "`payload_too_large`: `field` names what is too large."),
        (415, "`api_error`: the body is not `application/json`."),
        (422, "`idempotency_conflict`: the key was used for another request."),
        (429, "`queue_full`: come again later."),
        (431, "`api_error`: line and headers are too large."),
        (500, "`internal`, `store_read_only`, `invalid_store`, `schema_incompatible`."),
        (503, "`service_unavailable`, `store_unavailable`: come again later."),
        (507, "`store_full`: the disk is full. Nothing was stored."),
    ];
    let named = statuses.map(|(status, text)| {
        let mut headers = headers();
        if matches!(status, 429 | 503) {
            headers["Retry-After"] = json!({ "$ref": "#/components/headers/Retry-After" });
        }
        let content = json!({ "application/problem+json": {
            "schema": { "$ref": "#/components/schemas/Problem" } } });
        let body = json!({ "description": text, "headers": headers, "content": content });
        (format!("Problem{status}"), body)
    });
    Value::Object(named.into_iter().collect())
}

/// Says that of two fields only one may be given; null is not given.
fn exclude_both(schema: &mut Value, one: &str, other: &str) {
    let given = json!({ "not": { "type": "null" } });
    schema["not"] = json!({ "required": [one, other], "properties": { one: given, other: given } });
}

/// Says which outcomes need which fields.
fn needs(schemas: &mut Value) {
    let rule = |outcomes: Value, field: &str| {
        json!({
            "if": { "properties": { "outcome": { "enum": outcomes } } },
            "then": { "required": [field], "properties": { field: { "not": { "type": "null" } } } },
        })
    };
    schemas["Settle"]["allOf"] =
        json!([rule(json!(["fail", "retry"]), "error"), rule(json!(["snooze"]), "after_seconds")]);
}

/// Gives a stage the fields of its task; its pipeline has the key.
fn staged(schemas: &mut Value) {
    let mut task = schemas["TaskSpec"].clone();
    let Some(fields) = task["properties"].as_object_mut() else { return };
    fields.remove("idempotency_key");
    let fields = std::mem::take(fields);
    let stage = &mut schemas["StageBody"];
    stage["not"] = task["not"].clone();
    if let Some(own) = stage["properties"].as_object_mut() {
        own.extend(fields);
    }
}

/// Says what a block may be told; null is left out.
fn blocks(schema: &mut Value) {
    let fields = &mut schema["properties"];
    fields["strategy"] = json!({ "type": "string",
        "enum": ["all", "any_success", "race", "throttled", "quorum"],
        "description": "How the steps are judged; all when left out. A function cannot travel: custom is \
            refused." });
    fields["steps"]["maxItems"] = limits::STEPS.into();
    fields["name"]["maxLength"] = limits::NAME.into();
    for name in ["queue", "task_type"] {
        fields[name] = json!({ "$ref": "#/components/schemas/Name" });
    }
    fields["distribution_policy"] = json!({ "$ref": "#/components/schemas/Name" });
    fields["idempotency_key"] = json!({ "$ref": "#/components/schemas/Key" });
    for name in ["max_concurrency", "quorum"] {
        fields[name]["minimum"] = 1.into();
    }
    fields["rate_per_second"]["exclusiveMinimum"] = 0.into();
    fields["timeout_seconds"]["maximum"] = 316_224_000.into();
    fields["max_retries"] = json!({ "type": "integer", "minimum": 0, "maximum": limits::RETRIES });
    for field in fields.as_object_mut().into_iter().flat_map(Map::values_mut) {
        not_null(field);
        *field = json!({ "anyOf": [{ "type": "null" }, field.take()] });
    }
}

/// Closes the records of a handler to unknown fields, and says what of an outcome is judged with it
/// alone: there what is out of range is an answer, not a refusal of the whole call.
fn closed(schemas: &mut Value) {
    for update in schemas["NewUpdate"]["oneOf"].as_array_mut().into_iter().flatten() {
        update["additionalProperties"] = false.into();
    }
    for body in ["BatchBody", "ChunkBody", "OpenedBatch", "PipelineBody", "StageBody"] {
        schemas[body]["additionalProperties"] = false.into();
    }
    for (name, judged, field) in
        [("NewUpdate", "JudgedUpdate", "updates"), ("RetryOptions", "JudgedRetry", "declared")]
    {
        let mut schema = schemas[name].clone();
        unlimited(&mut schema);
        schemas[judged] = schema;
        let reference = json!({ "$ref": format!("#/components/schemas/{judged}") });
        let of = &mut schemas["Settle"]["properties"][field];
        *of = if field == "updates" {
            json!({ "type": "array", "items": reference })
        } else {
            reference
        };
    }
}

fn unlimited(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|name, _| name != "maximum" && name != "exclusiveMaximum");
            if map.get("type").is_none_or(|kind| !kind.to_string().contains("integer")) {
                map.remove("minimum");
            }
            map.values_mut().for_each(unlimited);
        }
        Value::Array(list) => list.iter_mut().for_each(unlimited),
        _ => {}
    }
}

/// What the derived schemas leave open, or say for readers of Rust.
fn exact(value: &mut Value) {
    if value.is_array() {
        return value.as_array_mut().into_iter().flatten().for_each(exact);
    }
    if let Some(Value::String(text)) = value.get_mut("description") {
        *text = plain(text);
    }
    // A value of any kind may be null already, and one of two must match.
    let any = |choice: &Value| {
        let name = choice["$ref"].as_str().and_then(|path| path.rsplit('/').next());
        matches!(name, Some("Payload" | "Json"))
    };
    let free =
        value["oneOf"].as_array().and_then(|choices| choices.iter().find(|c| any(c))).cloned();
    if let Some(free) = free {
        *value = free;
    }
    if value["format"] == "int32" && value["minimum"] == 0 && value.get("maximum").is_none() {
        // A number without a sign: `int32` would end at half of it.
        value["maximum"] = u32::MAX.into();
        value["format"] = "int64".into();
    }
    value.as_object_mut().into_iter().flat_map(Map::values_mut).for_each(exact);
}

/// A doc comment without its examples and with its links as plain words.
fn plain(text: &str) -> String {
    let text = text.split("```").next().unwrap_or_default().trim().replace('\n', " ");
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some((before, (link, after))) = rest
        .split_once("[`")
        .and_then(|(before, rest)| Some((before, rest.split_once("`](")?)))
        .and_then(|(before, (link, rest))| Some((before, (link, rest.split_once(')')?.1))))
    {
        plain.push_str(before);
        plain.push_str(&format!("`{link}`"));
        rest = after;
    }
    plain + rest
}
