//! Requests to a real server on loopback: whatever stands in path, query, headers or body, the answer is
//! one that the table of errors knows, never a 500, and the server goes on.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::LazyLock;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value;
use tokio::runtime::Runtime;
use windlass::words::Problem;
use windlass_fuzz::text::{any_text, mutated};
use windlass_fuzz::{corpus, json as texts, target};
use windlass_server::http::{ServeOptions, Server};

use super::hold;

/// One server for all targets; it ends with the process.
static SERVER: LazyLock<(Runtime, Server)> = LazyLock::new(|| {
    let runtime = Runtime::new().expect("a runtime");
    let server = runtime.block_on(async {
        let client = windlass::connect("memory:").await.expect("a store in memory");
        let options = ServeOptions { listen: "127.0.0.1:0".to_owned(), ..ServeOptions::default() };
        Server::start(client, options).await.expect("a server on loopback")
    });
    (runtime, server)
});

struct Answer {
    status: u16,
    content_type: String,
    body: Vec<u8>,
}

/// One request on a connection of its own.
fn ask(method: &str, target: &str, content_type: &str, body: &[u8]) -> Result<Answer, String> {
    let address = SERVER.1.address();
    let mut stream = TcpStream::connect(address).map_err(|e| e.to_string())?;
    stream.set_read_timeout(Some(Duration::from_secs(20))).map_err(|e| e.to_string())?;
    let head = format!(
        "{method} {target} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
         Content-Type: {content_type}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).map_err(|e| e.to_string())?;
    // An answer may come before the body was read.
    let _ = stream.write_all(body);
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).map_err(|e| format!("no whole answer: {e}"))?;
    read(&answer, method == "HEAD")
}

fn read(answer: &[u8], is_head: bool) -> Result<Answer, String> {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
    let end = end.ok_or_else(|| format!("answered {:?}", String::from_utf8_lossy(answer)))?;
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let status = head.split(' ').nth(1).and_then(|word| word.parse().ok());
    let header = |name: &str| {
        head.lines().find_map(|line| {
            let (given, value) = line.split_once(':')?;
            given.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        })
    };
    let body = answer[end + 4..].to_vec();
    if let Some(length) = header("content-length").filter(|_| !is_head) {
        hold!(length == body.len().to_string(), "{} of {length} bytes", body.len());
    }
    Ok(Answer {
        status: status.ok_or("no status")?,
        content_type: header("content-type").unwrap_or_default(),
        body,
    })
}

/// An answer that the description knows.
fn is_sound(answer: &Answer) -> Result<(), String> {
    let text = String::from_utf8_lossy(&answer.body);
    hold!(answer.status != 500 && answer.status >= 200, "{}: {text}", answer.status);
    if answer.status < 300 {
        let is_json = answer.content_type.starts_with("application/json");
        if is_json {
            let read = serde_json::from_slice::<Value>(&answer.body);
            hold!(read.is_ok(), "{} with no JSON: {text}", answer.status);
        }
        return Ok(());
    }
    // What is no HTTP at all is refused by the reader of HTTP, without a body.
    if answer.status == 400 && answer.body.is_empty() {
        return Ok(());
    }
    hold!(
        answer.content_type.starts_with("application/problem+json"),
        "{} as {:?}: {text}",
        answer.status,
        answer.content_type
    );
    let problem: Problem =
        serde_json::from_slice(&answer.body).map_err(|e| format!("{e}: {text}"))?;
    hold!(problem.status == answer.status, "{} says {}", answer.status, problem.status);
    let error = problem.error.clone().into_error(answer.status);
    hold!(error.code() == problem.code, "{} reads as {}", problem.code, error.code());
    let named = error.fields().get("field").is_some_and(|field| field.is_string());
    hold!(problem.code != "invalid_argument" || named, "no field: {text}");
    Ok(())
}

/// What stands in a URL as it is; everything else is written as `%XX`.
fn escaped(text: &str) -> String {
    let as_it_is = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$'()*,;:@=&".contains(&byte);
    let write = |byte: u8| match as_it_is(byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    text.bytes().map(write).collect()
}

/// Paths that answer at once; `{}` is any text.
const PATHS: [&str; 19] = [
    "/api/v1/tasks",
    "/api/v1/tasks/{}",
    "/api/v1/tasks/{}/status",
    "/api/v1/tasks/{}/logs",
    "/api/v1/tasks/{}/updates",
    "/api/v1/tasks/{}/events",
    "/api/v1/tasks/{}/why",
    "/api/v1/batches/{}",
    "/api/v1/batches/{}/events",
    "/api/v1/workers",
    "/api/v1/workers/{}",
    "/api/v1/queues",
    "/api/v1/queues/{}",
    "/api/v1/recent",
    "/api/v1/health/live",
    "/api/v1/{}",
    "/api/{}",
    "/api/v0/{}",
    "/{}",
];

const PARAMETERS: [&str; 14] = [
    "status",
    "task_type",
    "queue",
    "label.a",
    "label.",
    "batch_id",
    "since",
    "error",
    "cursor",
    "limit",
    "wait",
    "after",
    "level",
    "x",
];

#[test]
fn requests_with_any_path_and_query() {
    let value = prop_oneof![
        2 => any_text(5),
        1 => proptest::sample::select(
            &["0", "1", "61", "-1", "1e3", "nan", "18446744073709551616", "pending", "a,b", "+1"][..]
        ).prop_map(str::to_owned),
    ];
    let pair = (proptest::sample::select(&PARAMETERS[..]), value, any::<bool>()).prop_map(
        |(name, value, bare)| match bare {
            true => escaped(&value),
            false => format!("{name}={}", escaped(&value)),
        },
    );
    let query = vec(pair, 0..4).prop_map(|pairs| pairs.join("&"));
    let method = proptest::sample::select(&["GET", "GET", "GET", "DELETE", "PUT", "HEAD"][..]);
    let inputs = (method, proptest::sample::select(&PATHS[..]), any_text(5), query);
    target::fuzz("requests_with_any_path_and_query", 20, inputs, |(method, path, part, query)| {
        let mark = if query.is_empty() { "" } else { "?" };
        let target = format!("{}{mark}{query}", path.replace("{}", &escaped(&part)));
        let answer = ask(method, &target, "application/json", b"")?;
        if method == "HEAD" {
            hold!(answer.status != 500, "{target}: {}", answer.status);
            return Ok(());
        }
        is_sound(&answer).map_err(|reason| format!("{method} {target}: {reason}"))
    });
}

/// Where bodies are read, each with one that is almost right.
const BODIES: [(&str, &str); 9] = [
    (
        "/api/v1/tasks",
        r#"{"task_type":"work","payload":{"a":1},"priority":"high","labels":{"a":1}}"#,
    ),
    (
        "/api/v1/tasks/bulk",
        r#"{"tasks":[{"task_type":"work"},{"task_type":"work","delay_seconds":1}]}"#,
    ),
    ("/api/v1/batches", r#"{"tasks":[{"task_type":"work","idempotency_key":"k"}]}"#),
    ("/api/v1/tasks/find", r#"{"task_ids":["0198c000-0000-7000-8000-000000000000"]}"#),
    ("/api/v1/tasks/wait", r#"{"task_ids":["x"],"fail_fast":true,"wait_seconds":0}"#),
    (
        "/api/v1/leases",
        r#"{"worker":"w","queues":["q"],"handlers":["h"],"limit":1,"lease_seconds":60}"#,
    ),
    (
        "/api/v1/leases/renew",
        r#"{"renewals":[{"task_id":"0198c000-0000-7000-8000-000000000000","token":"0198c000-0000-4000-8000-000000000000","updates":[{"kind":"log","level":"info","message":"m"}]}]}"#,
    ),
    (
        "/api/v1/leases/settle",
        r#"{"settles":[{"task_id":"0198c000-0000-7000-8000-000000000000","token":"0198c000-0000-4000-8000-000000000000","outcome":"complete","result":{"a":[1]}}]}"#,
    ),
    ("/api/v1/queues/q/pause", "{}"),
];

#[test]
fn requests_corpus() {
    for entry in corpus::entries() {
        for (path, _) in BODIES {
            let record = format!(r#"{{"task_type":"work","payload":{}}}"#, entry.text);
            for body in [entry.text.clone(), record] {
                let sound = ask("POST", path, "application/json", body.as_bytes());
                if let Err(reason) = sound.and_then(|answer| is_sound(&answer)) {
                    panic!("{} to {path}: {reason}", entry.name);
                }
            }
        }
    }
}

#[test]
fn requests_with_any_body() {
    let body = |right: &'static str| {
        let field =
            (proptest::sample::select(&["tasks", "a", "limit", "payload"][..]), texts::json_text())
                .prop_map(|(name, value)| format!("{{\"{name}\":{value}}}"));
        prop_oneof![
            4 => mutated(Just(right.to_owned())).prop_filter("holds nothing", |body| {
                // A held answer only takes time.
                !body.contains("wait_seconds") || body.contains("\"wait_seconds\":0}")
            }),
            1 => texts::almost_json(),
            1 => field,
        ]
    };
    let inputs = proptest::sample::select(&BODIES[..])
        .prop_flat_map(move |(path, right)| (Just(path), body(right)));
    let kind = proptest::sample::select(
        &[
            "application/json",
            "application/json",
            "application/json; charset=utf-8",
            "text/plain",
            "",
        ][..],
    );
    target::fuzz("requests_with_any_body", 30, (inputs, kind), |((path, body), kind)| {
        let answer = ask("POST", path, kind, body.as_bytes())?;
        is_sound(&answer).map_err(|reason| format!("POST {path}: {reason}"))
    });
}
