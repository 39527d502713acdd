//! Servers that speak TLS: whose certificates are trusted.

use std::path::PathBuf;

use windlass::ConnectOptions;
use windlass_server::http::{ServeOptions, TlsFiles};

use crate::proxy::{Link, Proxy};
use crate::stage::{Stage, connect, once, quick, soon, spec};

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/client/tls").join(name)
}

async fn stage() -> Stage {
    let tls = TlsFiles { cert: file("server.pem"), key: file("server.key") };
    let serve = ServeOptions { tls: Some(tls), ..ServeOptions::default() };
    Stage::with(ConnectOptions::default(), serve).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_of_ones_own_is_trusted_when_it_is_named() {
    let stage = stage().await;
    let options = ConnectOptions { ca_file: Some(file("ca.pem")), ..quick() };
    let client = connect(&stage.server.url(), options).await;
    let id = client.submit(spec()).await.unwrap().task_id.to_string();
    let mut updates = client.updates(&id, 0).unwrap();
    assert_eq!(soon(updates.next()).await.unwrap().unwrap().seq, 1);
    client.close().await.unwrap();
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_is_refused_and_told_in_words() {
    let stage = stage().await;
    let client = connect(&stage.server.url(), once()).await;
    let error = client.submit(spec()).await.unwrap_err();
    assert_eq!(error.code(), "store_unavailable");
    assert!(error.to_string().contains("certificate"), "{error}");
    assert!(stage.inside.counts().await.unwrap().is_empty());
    // A file that holds none is told when the client is made.
    let options = ConnectOptions { ca_file: Some(file("server.key")), ..quick() };
    let error = windlass::connect_with(&stage.server.url(), options).await.err().unwrap();
    assert_eq!(error.fields()["field"], "ca_file");
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_who_speaks_no_tls_is_told_from_one_who_does() {
    let stage = stage().await;
    let plain = Proxy::start(stage.server.address(), vec![Link::Whole]).await;
    let error = connect(&plain.url, once()).await.submit(spec()).await.unwrap_err();
    assert!(matches!(error.code(), "store_unavailable" | "api_error"), "{error}");
    let open = Stage::new().await;
    let url = open.server.url().replace("http://", "https://");
    let error = connect(&url, once()).await.submit(spec()).await.unwrap_err();
    assert_eq!(error.code(), "store_unavailable");
    open.stop().await;
    stage.stop().await;
}
