//! A server on loopback, and requests as bytes.

use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use windlass::Client;
use windlass_server::http::{ServeOptions, Server};

/// Nothing in these tests takes this long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A server on a store in memory, and a client in its process.
pub(crate) struct Stage {
    pub(crate) client: Client,
    pub(crate) server: Server,
}

impl Stage {
    /// A server with every default.
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// A server with options.
    pub(crate) async fn with(change: impl FnOnce(&mut ServeOptions)) -> Self {
        Self::of_with(windlass::connect("memory:").await.unwrap(), change).await
    }

    /// A server of a client's service.
    pub(crate) async fn of(client: Client) -> Self {
        Self::of_with(client, |_| {}).await
    }

    async fn of_with(client: Client, change: impl FnOnce(&mut ServeOptions)) -> Self {
        let mut options =
            ServeOptions { listen: "127.0.0.1:0".to_owned(), ..ServeOptions::default() };
        change(&mut options);
        let server = Server::start(client.clone(), options).await.unwrap();
        Self { client, server }
    }

    /// A connection.
    pub(crate) async fn connect(&self) -> Raw {
        Raw { stream: TcpStream::connect(self.server.address()).await.unwrap(), rest: Vec::new() }
    }

    /// The answer to one request on a connection of its own.
    pub(crate) async fn ask(&self, method: &str, path: &str, body: &str) -> Reply {
        self.ask_with(method, path, &[], body).await
    }

    /// The same, with further headers.
    pub(crate) async fn ask_with(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Reply {
        let mut raw = self.connect().await;
        raw.send(method, path, headers, body).await;
        raw.reply().await
    }
}

/// A connection that says what it is told to say.
pub(crate) struct Raw {
    pub(crate) stream: TcpStream,
    rest: Vec<u8>,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    /// A header's value.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Status, code and field of an error, and a check of its form.
    pub(crate) fn problem(&self) -> (u16, String, Option<String>) {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        let body = self.json();
        let code = body["code"].as_str().unwrap().to_owned();
        assert_eq!(body["status"], self.status);
        assert_eq!(body["type"], format!("urn:windlass:error:{code}"));
        assert_eq!(body["error"]["code"], code);
        assert_eq!(body["error"]["message"], body["detail"]);
        let field = body["error"]["details"]["field"].as_str().map(str::to_owned);
        (self.status, code, field)
    }
}

impl Raw {
    /// Writes bytes.
    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    /// Writes a request; a body is JSON.
    pub(crate) async fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) {
        let mut text = format!("{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n");
        let typed = headers.iter().any(|(name, _)| *name == "content-type");
        if !body.is_empty() && !typed {
            text.push_str("content-type: application/json\r\n");
        }
        for (name, value) in headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str(&format!("content-length: {}\r\n\r\n{body}", body.len()));
        self.write(text.as_bytes()).await;
    }

    /// More bytes, none at the end.
    pub(crate) async fn more(&mut self) -> Vec<u8> {
        if !self.rest.is_empty() {
            return std::mem::take(&mut self.rest);
        }
        let mut buffer = vec![0; 64 << 10];
        let read = tokio::time::timeout(PATIENCE, self.stream.read(&mut buffer)).await;
        // A reset is an end, too.
        buffer.truncate(read.expect("the server says nothing").unwrap_or(0));
        buffer
    }

    /// Whether the server closes the connection without another word.
    pub(crate) async fn closed(&mut self) -> bool {
        self.more().await.is_empty()
    }

    /// The head of an answer.
    pub(crate) async fn head(&mut self) -> Reply {
        let mut bytes = Vec::new();
        let end = loop {
            if let Some(end) = find(&bytes, b"\r\n\r\n") {
                break end;
            }
            let more = self.more().await;
            assert!(!more.is_empty(), "closed after {:?}", String::from_utf8_lossy(&bytes));
            bytes.extend(more);
        };
        self.rest = bytes.split_off(end + 4);
        let text = String::from_utf8(bytes).unwrap();
        let mut lines = text.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines.filter_map(|line| line.split_once(": "));
        let headers = headers.map(|(n, v)| (n.to_ascii_lowercase(), v.to_owned())).collect();
        Reply { status, headers, body: Vec::new() }
    }

    /// A whole answer with a length.
    pub(crate) async fn reply(&mut self) -> Reply {
        let mut reply = self.head().await;
        let length: usize = reply.header("content-length").map_or(0, |n| n.parse().unwrap());
        while reply.body.len() < length {
            let more = self.more().await;
            assert!(!more.is_empty(), "the body broke off: {reply:?}");
            reply.body.extend(more);
        }
        self.rest = reply.body.split_off(length);
        reply
    }

    /// Text of a chunked body until it holds `needle`, or ends.
    pub(crate) async fn until(&mut self, needle: &str) -> String {
        let mut bytes = Vec::new();
        while find(&bytes, needle.as_bytes()).is_none() {
            let more = self.more().await;
            if more.is_empty() {
                break;
            }
            bytes.extend(more);
        }
        String::from_utf8(bytes).unwrap()
    }
}

fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    bytes.windows(needle.len()).position(|window| window == needle)
}
