//! Hand-made servers: one that says what it is told to, and one that stands before a real server and cuts.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::stage::soon;

/// What a hand-made server does with a request.
#[derive(Clone)]
pub(crate) enum Act {
    /// Writes this, and goes on with the connection.
    Say(String),
    /// Writes this, and closes the connection.
    SayAndClose(String),
    /// Writes this, and then nothing any more.
    SayAndHang(String),
    /// Writes this, and then the second text for ever.
    SayForEver(String, String),
}

/// A server that answers as it is told, the last act again and again.
pub(crate) struct Told {
    pub(crate) url: String,
    seen: watch::Sender<Vec<String>>,
    open: watch::Sender<usize>,
}

/// A whole answer with a JSON body.
pub(crate) fn answer(status: &str, headers: &str, body: &str) -> Act {
    Act::Say(text(status, headers, body))
}

pub(crate) fn text(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
    )
}

impl Told {
    pub(crate) async fn start(acts: Vec<Act>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let told = Self { url, seen: watch::Sender::default(), open: watch::Sender::default() };
        let (seen, open) = (told.seen.clone(), told.open.clone());
        let acts = Arc::new(Mutex::new(VecDeque::from(acts)));
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (seen, open, acts) = (seen.clone(), open.clone(), acts.clone());
                tokio::spawn(async move {
                    open.send_modify(|open| *open += 1);
                    // A client that goes away ends it.
                    let _ = serve(socket, &seen, &acts).await;
                    open.send_modify(|open| *open -= 1);
                });
            }
        });
        told
    }

    /// Requests so far: line, headers and body of each.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.borrow().clone()
    }

    /// Waits until `count` requests have come.
    pub(crate) async fn sees(&self, count: usize) {
        soon(self.seen.subscribe().wait_for(|seen| seen.len() >= count)).await.unwrap();
    }

    /// Waits until so many connections are open.
    pub(crate) async fn has_open(&self, count: usize) {
        soon(self.open.subscribe().wait_for(|open| *open == count)).await.unwrap();
    }
}

async fn serve(
    mut socket: TcpStream,
    seen: &watch::Sender<Vec<String>>,
    acts: &Mutex<VecDeque<Act>>,
) -> std::io::Result<()> {
    while let Some(request) = read(&mut socket).await? {
        seen.send_modify(|seen| seen.push(request));
        let act = {
            let mut acts = acts.lock().unwrap();
            if acts.len() > 1 { acts.pop_front() } else { acts.front().cloned() }
        };
        match act.expect("there is an act") {
            Act::Say(text) => socket.write_all(text.as_bytes()).await?,
            Act::SayAndClose(text) => return socket.write_all(text.as_bytes()).await,
            Act::SayAndHang(text) => {
                socket.write_all(text.as_bytes()).await?;
                // Until the client goes.
                while socket.read(&mut [0; 64]).await? > 0 {}
                return Ok(());
            }
            Act::SayForEver(text, again) => {
                socket.write_all(text.as_bytes()).await?;
                loop {
                    socket.write_all(again.as_bytes()).await?;
                }
            }
        }
    }
    Ok(())
}

/// One request with its body; `None` when the client closed.
async fn read(socket: &mut TcpStream) -> std::io::Result<Option<String>> {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let count = socket.read(&mut buffer).await?;
        if count == 0 {
            return Ok(None);
        }
        request.extend_from_slice(&buffer[..count]);
        let text = String::from_utf8_lossy(&request);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
            return Ok(Some(text.into_owned()));
        }
    }
}

/// How a proxy treats one connection.
#[derive(Clone, Copy)]
pub(crate) enum Link {
    /// Passes everything on.
    Whole,
    /// Closes after so many bytes of what the server says.
    CutAfter(usize),
}

/// Stands before a real server and cuts connections as it is told, the last way again and again.
pub(crate) struct Proxy {
    pub(crate) url: String,
    connections: watch::Sender<usize>,
    said: Arc<Mutex<Vec<u8>>>,
}

impl Proxy {
    pub(crate) async fn start(server: std::net::SocketAddr, links: Vec<Link>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let proxy = Self { url, connections: watch::Sender::default(), said: Arc::default() };
        let (connections, said) = (proxy.connections.clone(), proxy.said.clone());
        tokio::spawn(async move {
            let mut links = VecDeque::from(links);
            while let Ok((client, _)) = listener.accept().await {
                connections.send_modify(|count| *count += 1);
                let link = if links.len() > 1 { links.pop_front() } else { links.front().copied() };
                let said = said.clone();
                tokio::spawn(async move {
                    // Either side may go away at any moment.
                    let _ = pass(client, server, link.expect("there is a link"), &said).await;
                });
            }
        });
        proxy
    }

    /// Connections that clients made so far.
    pub(crate) fn connections(&self) -> usize {
        *self.connections.borrow()
    }

    /// How many requests began with this line's beginning.
    pub(crate) fn requests(&self, line: &str) -> usize {
        String::from_utf8_lossy(&self.said.lock().unwrap()).matches(line).count()
    }
}

async fn pass(
    client: TcpStream,
    server: std::net::SocketAddr,
    link: Link,
    said: &Mutex<Vec<u8>>,
) -> std::io::Result<()> {
    let upstream = TcpStream::connect(server).await?;
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = upstream.into_split();
    let up = async {
        let mut buffer = [0; 4096];
        loop {
            let count = from_client.read(&mut buffer).await?;
            if count == 0 {
                return std::io::Result::Ok(());
            }
            said.lock().unwrap().extend_from_slice(&buffer[..count]);
            to_server.write_all(&buffer[..count]).await?;
        }
    };
    let down = async {
        let mut buffer = [0; 4096];
        let mut left = match link {
            Link::Whole => usize::MAX,
            Link::CutAfter(bytes) => bytes,
        };
        loop {
            let count = from_server.read(&mut buffer).await?;
            let passed = count.min(left);
            to_client.write_all(&buffer[..passed]).await?;
            left -= passed;
            if count == 0 || left == 0 {
                return Ok(());
            }
        }
    };
    tokio::select! {
        done = up => done,
        done = down => done,
    }
}
