//! Servers that are none, or not well: typed errors, nothing hangs, nothing is believed.

use std::time::Duration;

use windlass::{ConnectOptions, Error};

use crate::proxy::{Act, Told, answer, text};
use crate::stage::{connect, once, quick, soon, spec};

async fn asked(act: Act) -> Error {
    let server = Told::start(vec![act]).await;
    let timeout = Duration::from_secs(10);
    let client = connect(&server.url, ConnectOptions { timeout, ..once() }).await;
    soon(client.queues()).await.unwrap_err()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_windlass_server_says_is_an_api_error() {
    for body in ["", "<html>", "null", "[]", r#"{"queues":7}"#, r#"{"queues":[{"queue":1}]}"#] {
        let error = asked(answer("200 OK", "", body)).await;
        let code = if body.is_empty() { "store_unavailable" } else { "api_error" };
        assert_eq!(error.code(), code, "{body:?}: {error}");
    }
    let deep = format!(r#"{{"queues":{}"#, "[".repeat(100_000));
    assert_eq!(asked(answer("200 OK", "", &deep)).await.code(), "api_error");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_breaks_off_is_no_answer() {
    let whole = text("200 OK", "", r#"{"queues":[]}"#);
    for end in [0, 5, 20, whole.len() - 1] {
        let error = asked(Act::SayAndClose(whole[..end].to_owned())).await;
        assert_eq!(error.code(), "store_unavailable", "after {end} bytes: {error}");
    }
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{\"que\r\n";
    assert_eq!(asked(Act::SayAndClose(chunked.to_owned())).await.code(), "store_unavailable");
    let unframed = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{\"queues\":";
    assert_eq!(asked(Act::SayAndClose(unframed.to_owned())).await.code(), "store_unavailable");
    let no_http = "SSH-2.0-OpenSSH_9.2\r\n";
    assert_eq!(asked(Act::SayAndClose(no_http.to_owned())).await.code(), "store_unavailable");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_without_end_is_cut() {
    let huge = "HTTP/1.1 200 OK\r\ncontent-length: 999999999999\r\n\r\n{".to_owned();
    let error = asked(Act::SayAndHang(huge)).await;
    assert_eq!(error.code(), "api_error");
    assert!(error.to_string().contains("256 MiB"), "{error}");
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_owned();
    let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
    let server = Told::start(vec![Act::SayForEver(chunked, chunk)]).await;
    let timeout = Duration::from_millis(500);
    let client = connect(&server.url, ConnectOptions { timeout, ..once() }).await;
    // Whichever bound it meets first.
    let code = soon(client.queues()).await.unwrap_err().code();
    assert!(matches!(code, "store_unavailable" | "api_error"), "{code}");
    server.has_open(0).await;
    // A refusal is a refusal, whatever comes with it.
    let head = "HTTP/1.1 404 Not Found\r\ncontent-length: 999999999999\r\n\r\n{".to_owned();
    assert_eq!(asked(Act::SayAndHang(head)).await.http_status(), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_told_and_not_followed() {
    let elsewhere = Told::start(vec![answer("200 OK", "", r#"{"queues":[]}"#)]).await;
    let to = format!("location: {}/x?key=secret\r\n", elsewhere.url);
    for status in ["301 Moved Permanently", "307 Temporary Redirect"] {
        let error = asked(answer(status, &to, "")).await;
        assert_eq!(error.code(), "api_error");
        let text = error.to_string();
        assert!(text.contains(&elsewhere.url) && !text.contains("secret"), "{text}");
    }
    assert!(elsewhere.seen().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_before_the_server_is_told_apart_from_it() {
    let error = asked(answer("403 Forbidden", "", "who are you?")).await;
    assert_eq!(error.code(), "authentication_failed");
    let told = r#"{"error":{"code":"store_full","message":"full","details":{"location":"x.db"}}}"#;
    let error = asked(answer("507 Insufficient Storage", "", told)).await;
    assert_eq!((error.code(), error.fields()["location"].as_str()), ("store_full", Some("x.db")));
    let newer = r#"{"error":{"code":"from_the_future","message":"hello"}}"#;
    let error = asked(answer("418 I'm a teapot", "", newer)).await;
    assert_eq!((error.code(), error.http_status()), ("api_error", 418));
    assert!(error.to_string().contains("hello"));
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_of_another_number_are_not_believed() {
    let server = Told::start(vec![answer("201 Created", "", r#"{"submissions":[]}"#)]).await;
    let client = connect(&server.url, quick()).await;
    let error = client.submit_many(vec![spec(); 2], Default::default()).await.unwrap_err();
    assert_eq!(error.code(), "api_error");
    let server = Told::start(vec![answer("200 OK", "", r#"{"tasks":[null,null]}"#)]).await;
    let client = connect(&server.url, quick()).await;
    let error = client.get("01981e2c-1d5c-7c11-b0e9-c2b7a9a3a001").await.unwrap_err();
    assert_eq!(error.code(), "api_error");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_is_sent_and_never_shown() {
    let server = Told::start(vec![answer("401 Unauthorized", "", "")]).await;
    let options = ConnectOptions { api_key: Some("s3cret".to_owned()), ..once() };
    let client = connect(&server.url, options).await;
    let error = client.queues().await.unwrap_err();
    assert_eq!(error.code(), "authentication_failed");
    assert!(server.seen()[0].contains("authorization: Bearer s3cret\r\n"));
    let shown = format!("{error} {error:?} {}", client.location());
    assert!(!shown.contains("s3cret"), "{shown}");
    let silent = Told::start(vec![Act::SayAndClose(String::new())]).await;
    let options = ConnectOptions { api_key: Some("s3cret".to_owned()), ..once() };
    let error = connect(&silent.url, options).await.queues().await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("s3cret"));
    let rest =
        windlass::rest::RestOptions { api_key: Some("s3cret".to_owned()), ..Default::default() };
    assert!(!format!("{rest:?}").contains("s3cret"));
}
