//! Schemas of values that several words share, for the description of the REST interface.

use serde_json::{Value, json};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::rules::limits;
use crate::words::TaskStatus;

/// Characters that are no control characters.
const PRINTABLE: &str = r"^[^\u0000-\u001f\u007f-\u009f]+$";

/// The same, or nothing.
const PRINTABLE_OR_EMPTY: &str = r"^[^\u0000-\u001f\u007f-\u009f]*$";

/// The schema with this text.
///
/// # Panics
///
/// When it is none: a broken literal of this crate.
fn read(text: Value) -> RefOr<Schema> {
    RefOr::T(serde_json::from_value(text).expect("a schema is written as JSON Schema"))
}

macro_rules! shared {
    ($($(#[$doc:meta])* $name:ident = $schema:tt;)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                read(json!($schema))
            }
        }

        impl ToSchema for $name {}
    )*};
}

shared! {
    /// A name: of a queue, a task type, a worker.
    Name = {
        "type": "string", "minLength": 1, "maxLength": (limits::NAME), "pattern": PRINTABLE,
        "description": "1 to 128 characters, none of them a control character.",
    };
    /// A handler's name; the empty one is the default handler's.
    HandlerName = {
        "type": "string", "maxLength": (limits::NAME), "pattern": PRINTABLE_OR_EMPTY,
        "description": "Up to 128 characters, none of them a control character.",
    };
    /// Where a worker runs.
    HostName = { "type": "string", "maxLength": (limits::HOST) };
    /// Retry options by handler.
    DeclaredRetries = {
        "type": "object", "maxProperties": (limits::LINES),
        "propertyNames": {
            "type": "string", "maxLength": (limits::NAME), "pattern": PRINTABLE_OR_EMPTY,
        },
        "additionalProperties": { "$ref": "#/components/schemas/RetryOptions" },
    };
    /// A duration in seconds, fractions allowed.
    Seconds = {
        "type": "number", "format": "double", "minimum": 0, "maximum": 316224000,
        "description": "Seconds, fractions allowed, at most ten years.",
    };
    /// A JSON object of any shape.
    JsonObject = { "type": "object", "additionalProperties": true };
    /// Labels as they are stored.
    StoredLabels = { "type": "object", "additionalProperties": { "type": "string" } };
    /// Labels to store: scalars become their JSON text.
    NewLabels = {
        "type": "object", "maxProperties": (limits::LABELS),
        "propertyNames": { "type": "string", "minLength": 1, "maxLength": (limits::LABEL_KEY) },
        "additionalProperties": { "oneOf": [
            { "type": "string", "maxLength": (limits::LABEL_VALUE) },
            { "type": "number" },
            { "type": "boolean" },
        ] },
    };
    /// A key that a caller chooses.
    Key = { "type": "string", "minLength": 1, "maxLength": (limits::IDEMPOTENCY_KEY) };
    /// What an attempt came to.
    OutcomeName = {
        "type": "string",
        "enum": ["complete", "fail", "retry", "snooze", "cancel", "hand_back"],
        "description": "`fail` and `retry` need `error`, `snooze` needs `after_seconds`.",
    };
    /// The values of an error by their wire names.
    Details = { "type": "object", "additionalProperties": true };
    /// A priority: a number from 1 to 5, lower first, or its name.
    AnyPriority = { "oneOf": [
        { "type": "integer", "minimum": 1, "maximum": 5 },
        { "type": "string", "enum": ["critical", "high", "normal", "low", "background",
            "1", "2", "3", "4", "5"] },
    ] };
}

/// Tasks by status; zeros are left out.
#[derive(Debug)]
pub struct StatusCounts;

impl PartialSchema for StatusCounts {
    fn schema() -> RefOr<Schema> {
        let count = json!({ "type": "integer", "format": "int64", "minimum": 0 });
        let by_status = |status: TaskStatus| (status.as_str().to_owned(), count.clone());
        let properties: serde_json::Map<_, _> =
            TaskStatus::ALL.map(by_status).into_iter().collect();
        read(json!({
            "type": "object", "properties": properties, "additionalProperties": false,
            "description": "Tasks by status; zeros are left out.",
        }))
    }
}

impl ToSchema for StatusCounts {}

/// Any JSON value.
#[derive(Debug)]
pub struct Json;

impl PartialSchema for Json {
    fn schema() -> RefOr<Schema> {
        let any = ObjectBuilder::new().schema_type(utoipa::openapi::schema::SchemaType::AnyValue);
        RefOr::T(any.description(Some("Any JSON value.")).into())
    }
}

impl ToSchema for Json {}
