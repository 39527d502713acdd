//! Exchanges that fail leave nothing behind: no open connection and no task, on either side.
//!
//! Beside servers that are none, a client gives typed errors; beside clients that break off anywhere, a
//! server goes on.

use std::future::Future;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Handle, Runtime};
use windlass::{
    Client, ConnectOptions, Error, LeaseRequest, Payload, RetryConfig, SubmitOptions, TaskSpec,
};
use windlass_server::http::{ServeOptions, Server};

/// Longest that what is being taken down may take.
const SOON: Duration = Duration::from_secs(30);

/// One runtime for each test, so that its tasks can be counted.
fn alone(test: impl Future<Output = ()>) {
    let runtime = Runtime::new().unwrap();
    runtime.block_on(test);
}

/// Waits until no more tasks are alive than before.
async fn back_to(before: usize, what: &str) {
    let end = Instant::now() + SOON;
    loop {
        let now = Handle::current().metrics().num_alive_tasks();
        if now <= before {
            return;
        }
        assert!(Instant::now() < end, "{what}: {now} tasks are alive, {before} were");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Sockets of this process that are connected on both sides, by the kernel's table; the sockets of
/// other tests have other ports.
#[cfg(target_os = "linux")]
fn connections(port: u16) -> usize {
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let port = format!(":{port:04X}");
    // Established, or closed by the other side and not by this one.
    let open = |line: &&str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        (words[1].ends_with(&port) || words[2].ends_with(&port)) && ["01", "08"].contains(&words[3])
    };
    table.lines().skip(1).filter(open).count()
}

#[cfg(not(target_os = "linux"))]
fn connections(_: u16) -> usize {
    0
}

async fn no_connections(address: SocketAddr, what: &str) {
    let end = Instant::now() + SOON;
    while connections(address.port()) > 0 {
        let left = connections(address.port());
        assert!(Instant::now() < end, "{what}: {left} ends of connections are open");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

const ID: &str = "0198c000-0000-7000-8000-000000000000";

/// What a server that is none answers before it closes the connection.
fn answers() -> Vec<(&'static str, Vec<u8>)> {
    let json = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
    let events = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n";
    let text = |text: String| text.into_bytes();
    vec![
        ("nothing", Vec::new()),
        ("garbage", b"\x00\xff\x13 garbage\r\n\r\n".to_vec()),
        ("half a head", b"HTTP/1.1 200 OK\r\nContent-Le".to_vec()),
        ("a head without end", text(format!("{json}{}", "X-A: 1\r\n".repeat(20_000)))),
        ("a body cut short", text(format!("{json}Content-Length: 100\r\n\r\n{{\"a\""))),
        ("a chunk cut short", text(format!("{json}Transfer-Encoding: chunked\r\n\r\n50\r\n{{"))),
        ("an empty answer", text(format!("{json}Content-Length: 0\r\n\r\n"))),
        ("a page", b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>".to_vec()),
        ("another shape", text(format!("{json}Content-Length: 11\r\n\r\n{{\"tasks\":7}}"))),
        ("half an event", text(format!("{events}\r\nid: 1\nevent: status\ndata: {{\"se"))),
        (
            "events of another shape",
            text(format!("{events}\r\nid: x\ndata: 7\n\nid: 2\ndata: {{}}\n\n")),
        ),
        (
            "a failure without a body",
            b"HTTP/1.1 503 Unavailable\r\nContent-Length: 0\r\n\r\n".to_vec(),
        ),
    ]
}

/// Takes connections and answers each the same, whatever it asks.
async fn stranger(answer: Vec<u8>) -> (SocketAddr, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let taking = tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            // What is asked is read as far as it comes at once: who closes with unread bytes resets.
            let _ = socket.read(&mut [0; 16 << 10]).await;
            let _ = socket.write_all(&answer).await;
        }
    });
    (address, taking)
}

async fn client(url: &str) -> Client {
    let retry = RetryConfig {
        max_retries: 1,
        initial_delay: Duration::from_millis(1),
        ..RetryConfig::default()
    };
    let options = ConnectOptions {
        retry,
        breaker: None,
        timeout: Duration::from_secs(5),
        ..ConnectOptions::default()
    };
    windlass::connect_with(url, options).await.unwrap()
}

fn request(wait: Duration) -> LeaseRequest {
    LeaseRequest {
        worker: "w1".to_owned(),
        queues: vec!["default".to_owned()],
        handlers: vec!["work".to_owned()],
        limit: 1,
        ttl: Duration::from_secs(60),
        wait,
        suspects: true,
    }
}

fn spec() -> TaskSpec {
    TaskSpec::new("work", Payload::null())
}

/// Every verb that waits or writes, and what it was told.
async fn ask_everything(client: &Client) -> Vec<(&'static str, Option<Error>)> {
    let options = SubmitOptions { batch: false, patience: Duration::ZERO };
    let submitted = client.submit_many(vec![spec()], options).await;
    let mut stream = client.updates(ID, 0).unwrap();
    vec![
        ("submit", submitted.err()),
        ("get", client.get(ID).await.err()),
        ("updates", stream.next().await.and_then(Result::err)),
        ("lease", client.lease(request(Duration::from_secs(1))).await.err()),
        ("wait", client.wait(ID, Some(Duration::from_secs(1))).await.err()),
        ("counts", client.counts().await.err()),
    ]
}

#[test]
fn a_client_beside_servers_that_are_none_leaves_nothing_open() {
    alone(async {
        for (what, answer) in answers() {
            let before = Handle::current().metrics().num_alive_tasks();
            let (address, taking) = stranger(answer).await;
            let client = client(&format!("http://{address}")).await;
            for _ in 0..8 {
                for (verb, error) in ask_everything(&client).await {
                    let error = error.unwrap_or_else(|| panic!("{what}: {verb} believed it"));
                    let codes = ["store_unavailable", "service_unavailable", "api_error"];
                    assert!(codes.contains(&error.code()), "{what}: {verb} said {error:?}");
                }
            }
            client.close().await.unwrap();
            drop(client);
            no_connections(address, what).await;
            taking.abort();
            back_to(before, what).await;
        }
    });
}

/// Where clients break off.
fn beginnings() -> Vec<(&'static str, String)> {
    let post = |path: &str, body: &str| {
        format!(
            "POST /api/v1/{path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let lease = r#"{"worker":"w1","queues":["default"],"handlers":["none"],"limit":1,"lease_seconds":60,"wait_seconds":60}"#;
    let task = post("tasks", r#"{"task_type":"work"}"#);
    vec![
        ("nothing asked", String::new()),
        ("half a line", "GET /api/v1/ta".to_owned()),
        ("half a head", "GET /api/v1/tasks HTTP/1.1\r\nHost: local".to_owned()),
        ("half a body", task[..task.len() - 4].to_owned()),
        ("an answer unread", task.clone()),
        ("many answers unread", task.repeat(50)),
        ("a held lease", post("leases", lease)),
        ("a held submit", post("tasks?wait=60", r#"{"task_type":"work"}"#)),
        ("a stream", "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned()),
        ("no HTTP", "\u{0}\u{1}\u{2}\r\n\r\n".to_owned()),
    ]
}

#[test]
fn a_server_beside_clients_that_break_off_leaves_nothing_open() {
    alone(async {
        let inside = windlass::connect("memory:").await.unwrap();
        let options = ServeOptions { listen: "127.0.0.1:0".to_owned(), ..ServeOptions::default() };
        let server = Server::start(inside.clone(), options).await.unwrap();
        // What every server has from its first request on is no leak.
        let client = client(&server.url()).await;
        client.lease(request(Duration::ZERO)).await.unwrap();
        client.close().await.unwrap();
        drop(client);
        no_connections(server.address(), "the first client").await;
        let before = Handle::current().metrics().num_alive_tasks();
        for (what, beginning) in beginnings() {
            let mut sockets = Vec::new();
            for _ in 0..40 {
                let mut socket = TcpStream::connect(server.address()).await.unwrap();
                socket.write_all(beginning.as_bytes()).await.unwrap();
                sockets.push(socket);
            }
            // Half of them as soon as all have asked, half once the server has begun to answer, where it
            // answers at all.
            sockets.truncate(20);
            let answered = ["an answer unread", "many answers unread", "a stream"].contains(&what);
            for socket in sockets.iter().filter(|_| answered) {
                socket.readable().await.unwrap();
            }
            if cfg!(target_os = "linux") && what.starts_with("a held") {
                assert!(
                    connections(server.address().port()) >= 20,
                    "the table shows no connections"
                );
            }
            drop(sockets);
            no_connections(server.address(), what).await;
            back_to(before, what).await;
        }
        let last = windlass::connect(&server.url()).await.unwrap();
        assert!(last.counts().await.is_ok(), "the server goes on");
        last.close().await.unwrap();
        server.stop();
        server.stopped().await;
        inside.close().await.unwrap();
    });
}
