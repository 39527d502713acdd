//! Who may call, from where, over what: keys, origins, addresses, TLS, limits of connections.

use std::io::Read;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use windlass_server::http::{ServeOptions, Server, TlsFiles};

use crate::raw::{PATIENCE, Stage};

// REST-06: the bearer key; JSON bodies and the errors' shape are in `input`.
#[tokio::test]
async fn only_who_has_the_key_may_call() {
    let stage = Stage::with(|options| options.api_key = Some("s3cret".to_owned())).await;
    let ask = async |path: &str, value: &str| {
        stage.ask_with("GET", path, &[("authorization", value)], "").await
    };
    for value in ["Bearer s3cret", "bearer s3cret", "BEARER  s3cret"] {
        assert_eq!(ask("/api/v1/tasks", value).await.status, 200, "{value}");
    }
    for value in
        ["", "Bearer", "Bearer ", "Bearer s3cre", "Bearer s3cret2", "Basic s3cret", "s3cret"]
    {
        let reply = ask("/api/v1/tasks", value).await;
        assert_eq!(reply.problem(), (401, "authentication_failed".to_owned(), None), "{value}");
        assert_eq!(reply.header("www-authenticate"), Some("Bearer"));
    }
    let twice = [("authorization", "Bearer s3cret"), ("authorization", "Bearer s3cret")];
    assert_eq!(stage.ask_with("GET", "/api/v1/tasks", &twice, "").await.status, 401);
    // Also where nothing is, so that nobody learns what is; but not where probes look.
    for path in ["/api/v1/none", "/api/v1/openapi.json", "/metrics", "/api/v0/x"] {
        assert_eq!(stage.ask("GET", path, "").await.status, 401, "{path}");
    }
    for path in ["/health", "/health/live", "/health/ready", "/api/v1/health"] {
        assert_eq!(stage.ask("GET", path, "").await.status, 200, "{path}");
    }
    assert_eq!(stage.ask("POST", "/api/v1/tasks", "{}").await.status, 401);
    assert_eq!(stage.client.counts().await.unwrap(), vec![]);
    let described = ask("/api/v1/openapi.json", "Bearer s3cret").await.json();
    assert_eq!(described["security"], serde_json::json!([{ "key": [] }]));
}

#[tokio::test]
async fn without_a_key_only_this_machine_may_connect() {
    let start = async |listen: &str, key: Option<&str>| {
        let client = windlass::connect("memory:").await.unwrap();
        let api_key = key.map(str::to_owned);
        let listen = listen.to_owned();
        Server::start(client, ServeOptions { listen, api_key, ..ServeOptions::default() }).await
    };
    for listen in ["0.0.0.0:0", "[::]:0"] {
        let error = start(listen, None).await.err().unwrap();
        assert_eq!(
            (error.code(), error.fields()["field"].as_str()),
            ("invalid_argument", Some("listen"))
        );
    }
    let server = start("0.0.0.0:0", Some("k")).await.unwrap();
    let taken = start(&server.address().to_string(), Some("k")).await.err().unwrap();
    assert_eq!(taken.fields()["field"], "listen");
    assert_eq!(start("nonsense", None).await.err().unwrap().fields()["field"], "listen");
    assert_eq!(start("127.0.0.1:0", Some(" ")).await.err().unwrap().fields()["field"], "api_key");
}

// A page that a browser of this machine shows may connect to a loopback address; it must not call.
#[tokio::test]
async fn without_a_key_no_foreign_page_may_call() {
    let stage = Stage::new().await;
    let page = [("origin", "https://evil.example")];
    let refused = stage.ask_with("POST", "/api/v1/tasks", &page, "{}").await;
    assert_eq!((refused.status, refused.problem().1.as_str()), (403, "api_error"));
    // Many of a server's verbs take no body, and a browser sends those without asking first.
    for page in ["http://203.0.113.5", "https://[2001:db8::1]:8443", "http://", "null"] {
        let pause = "/api/v1/queues/default/pause";
        let reply = stage.ask_with("POST", pause, &[("origin", page)], "").await;
        assert_eq!(reply.status, 403, "{page}");
    }
    for page in ["http://localhost:3000", "http://127.0.0.1:5173", "http://[::1]:80"] {
        let own = [("origin", page)];
        assert_eq!(stage.ask_with("POST", "/api/v1/tasks", &own, "{}").await.status, 201, "{page}");
    }
    // A foreign name that was made to point here.
    let mut raw = stage.connect().await;
    raw.write(b"GET /api/v1/tasks HTTP/1.1\r\nhost: evil.example:8420\r\n\r\n").await;
    assert_eq!(raw.reply().await.status, 403);
    for host in ["localhost:1", "LOCALHOST", "127.0.0.1", "[::1]:8420", "app.localhost"] {
        let mut raw = stage.connect().await;
        raw.write(format!("GET /api/v1/tasks HTTP/1.1\r\nhost: {host}\r\n\r\n").as_bytes()).await;
        assert_eq!(raw.reply().await.status, 200, "{host}");
    }
}

#[tokio::test]
async fn pages_of_named_origins_may_call() {
    let stage = Stage::with(|options| {
        options.cors_origins = vec!["https://app.example".to_owned()];
        options.api_key = Some("k".to_owned());
    })
    .await;
    let asks = |origin| {
        [
            ("origin", origin),
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", "authorization,content-type"),
        ]
    };
    let yes = stage.ask_with("OPTIONS", "/api/v1/tasks", &asks("https://app.example"), "").await;
    assert_eq!(yes.status, 204);
    assert_eq!(yes.header("access-control-allow-origin"), Some("https://app.example"));
    for (header, word) in [
        ("access-control-allow-methods", "DELETE"),
        ("access-control-allow-headers", "authorization"),
        ("access-control-allow-headers", "idempotency-key"),
        ("access-control-allow-headers", "windlass-tenant"),
        ("access-control-allow-headers", "last-event-id"),
    ] {
        assert!(yes.header(header).unwrap().contains(word), "{header}: {yes:?}");
    }
    let no = stage.ask_with("OPTIONS", "/api/v1/tasks", &asks("https://evil.example"), "").await;
    assert_eq!(no.header("access-control-allow-origin"), None);

    let call = [("origin", "https://app.example"), ("authorization", "Bearer k")];
    let reply = stage.ask_with("GET", "/api/v1/tasks/none", &call, "").await;
    assert_eq!(reply.header("access-control-allow-origin"), Some("https://app.example"));
    let exposed = reply.header("access-control-expose-headers").unwrap();
    assert!(exposed.contains("x-request-id") && exposed.contains("retry-after"));
    assert_eq!(reply.header("vary"), Some("origin"));
    // A page can read why it was refused.
    let reply = stage.ask_with("GET", "/api/v1/tasks", &call[..1], "").await;
    assert_eq!(reply.problem().0, 401);
    assert!(reply.header("access-control-allow-origin").is_some());

    let any = Stage::with(|options| options.cors_origins = vec!["*".to_owned()]).await;
    let reply =
        any.ask_with("POST", "/api/v1/tasks", &[("origin", "https://x.example")], "{}").await;
    assert_eq!((reply.status, reply.header("access-control-allow-origin")), (201, Some("*")));
    let client = windlass::connect("memory:").await.unwrap();
    let options =
        ServeOptions { cors_origins: vec!["app.example".to_owned()], ..ServeOptions::default() };
    let error = Server::start(client, options).await.err().unwrap();
    assert_eq!(error.fields()["field"], "cors_origins");
}

#[tokio::test]
async fn a_long_answer_is_compressed_for_who_takes_it() {
    let stage = Stage::new().await;
    let body = format!(r#"{{"task_type":"t","payload":"{}"}}"#, "x".repeat(5000));
    let id = stage.ask("POST", "/api/v1/tasks", &body).await.json()["task_id"].clone();
    let path = format!("/api/v1/tasks/{}", id.as_str().unwrap());
    let plain = stage.ask("GET", &path, "").await;
    assert_eq!(plain.header("content-encoding"), None);
    let mut raw = stage.connect().await;
    raw.send("GET", &path, &[("accept-encoding", "br, gzip;q=0.8"), ("connection", "close")], "")
        .await;
    let head = raw.head().await;
    assert_eq!(head.header("content-encoding"), Some("gzip"));
    assert_eq!(head.header("vary"), Some("accept-encoding"));
    let mut bytes = Vec::new();
    loop {
        let more = raw.more().await;
        if more.is_empty() {
            break;
        }
        bytes.extend(more);
    }
    assert!(bytes.len() < plain.body.len() / 4);
    let mut read = Vec::new();
    flate2::read::GzDecoder::new(&unchunked(&bytes)[..]).read_to_end(&mut read).unwrap();
    assert_eq!(read, plain.body);
    for (path, accepts) in [(path.as_str(), "gzip;q=0"), ("/health", "gzip"), (path.as_str(), "br")]
    {
        let reply = stage.ask_with("GET", path, &[("accept-encoding", accepts)], "").await;
        assert_eq!(reply.header("content-encoding"), None, "{path} {accepts}");
    }
    let mut raw = stage.connect().await;
    raw.send("GET", &format!("{path}/events"), &[("accept-encoding", "gzip")], "").await;
    assert_eq!(raw.head().await.header("content-encoding"), None);
}

/// The bytes of a chunked body.
fn unchunked(mut bytes: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    loop {
        let end = bytes.windows(2).position(|two| two == b"\r\n").unwrap();
        let size = usize::from_str_radix(std::str::from_utf8(&bytes[..end]).unwrap(), 16).unwrap();
        if size == 0 {
            return whole;
        }
        whole.extend(&bytes[end + 2..end + 2 + size]);
        bytes = &bytes[end + 4 + size..];
    }
}

#[tokio::test]
async fn connections_beyond_the_limit_are_told_so() {
    let stage = Stage::with(|options| options.max_connections = 2).await;
    let mut first = stage.connect().await;
    first.send("GET", "/health/live", &[], "").await;
    first.reply().await;
    let mut second = stage.connect().await;
    second.send("GET", "/health/live", &[], "").await;
    second.reply().await;
    let mut third = stage.connect().await;
    let reply = third.reply().await;
    assert_eq!((reply.status, reply.problem().1.as_str()), (503, "service_unavailable"));
    assert_eq!(reply.header("retry-after"), Some("1"));
    assert!(third.closed().await);
    // Those that are there go on, and a place that is left is taken.
    second.send("GET", "/health/live", &[], "").await;
    assert_eq!(second.reply().await.status, 200);
    drop(first);
    let again = async {
        loop {
            let mut raw = stage.connect().await;
            raw.stream
                .write_all(b"GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n")
                .await
                .unwrap();
            if raw.reply().await.status == 200 {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, again).await.unwrap();
}

/// What the certificate says: that it is for `localhost`, and nobody's authority.
const MADE: &str = "[req]\nprompt = no\ndistinguished_name = name\nx509_extensions = leaf\n\
    [name]\nCN = localhost\n\
    [leaf]\nsubjectAltName = DNS:localhost\nbasicConstraints = critical, CA:FALSE\n";

/// PEM files of a certificate for `localhost`, in a folder.
struct Files {
    folder: tempfile::TempDir,
    cert: CertificateDer<'static>,
}

impl Files {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("made.cnf"), MADE).unwrap();
        let made = Command::new("openssl")
            .current_dir(folder.path())
            .args(["req", "-x509", "-config", "made.cnf", "-days", "2", "-nodes"])
            .args(["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"])
            .args(["-keyout", "key.pem", "-out", "cert.pem"])
            .output()
            .expect("the program openssl makes the certificate of this test");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let cert = CertificateDer::from_pem_file(folder.path().join("cert.pem")).unwrap();
        Self { folder, cert }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn tls(&self) -> TlsFiles {
        TlsFiles { cert: self.path("cert.pem"), key: self.path("key.pem") }
    }
}

#[tokio::test]
async fn with_a_certificate_only_tls_is_spoken() {
    let files = Files::new();
    let stage = Stage::with(|options| options.tls = Some(files.tls())).await;
    assert!(stage.server.url().starts_with("https://127.0.0.1:"));
    let mut roots = rustls::RootCertStore::empty();
    roots.add(files.cert.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let submit = "POST /api/v1/tasks HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
        content-length: 2\r\nconnection: close\r\n\r\n{}";
    let console = "GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    for (request, status) in [(submit, 201), (console, 200)] {
        let tcp = TcpStream::connect(stage.server.address()).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let mut tls = connector.connect(name, tcp).await.unwrap();
        tls.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        tls.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    }
    // Who speaks plainly is closed without a word that could be taken for an answer.
    let mut plain = stage.connect().await;
    plain.write(b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    let said = plain.more().await;
    assert!(!said.starts_with(b"HTTP"), "{said:?}");
}

#[tokio::test]
async fn who_never_speaks_tls_does_not_hold_up_the_end() {
    let files = Files::new();
    let stage = Stage::with(|options| {
        options.tls = Some(files.tls());
        options.header_timeout = 100 * PATIENCE;
        options.grace = 100 * PATIENCE;
    })
    .await;
    let mut silent = stage.connect().await;
    let mut begun = stage.connect().await;
    begun.write(b"\x16\x03").await;
    stage.server.stop();
    tokio::time::timeout(PATIENCE, stage.server.stopped()).await.unwrap();
    assert!(silent.closed().await && begun.closed().await);
}

#[tokio::test]
async fn a_certificate_that_cannot_be_used_is_named() {
    let (files, other) = (Files::new(), Files::new());
    std::fs::write(files.path("empty.pem"), "").unwrap();
    let (cert, key) = (files.path("cert.pem"), files.path("key.pem"));
    for (cert, key, field) in [
        (files.path("none.pem"), key.clone(), "tls_cert"),
        (files.path("empty.pem"), key.clone(), "tls_cert"),
        (cert.clone(), files.path("none.pem"), "tls_key"),
        (cert.clone(), files.path("empty.pem"), "tls_key"),
        (cert.clone(), cert.clone(), "tls_key"),
        (cert, other.path("key.pem"), "tls_key"),
    ] {
        let client = windlass::connect("memory:").await.unwrap();
        let tls = Some(TlsFiles { cert: cert.clone(), key: key.clone() });
        let listen = "127.0.0.1:0".to_owned();
        let error =
            Server::start(client, ServeOptions { listen, tls, ..ServeOptions::default() }).await;
        let error = error.err().unwrap();
        assert_eq!(error.fields()["field"], field, "{cert:?} {key:?}: {error}");
    }
}
