//! Taking connections and serving each until it ends.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::cors::Cors;
use super::front::Front;
use super::peer::Peer;
use super::refusal::{self, Worded};
use super::serving::{Phase, Serving};
use super::wire::Wire;

/// A peer that is silent this long is asked whether it is there.
const SILENT: Duration = Duration::from_secs(30);
/// How long to wait for the system when it can give no more connections.
const EXHAUSTED: Duration = Duration::from_millis(100);
/// Refused connections that are told so at once; further ones are just closed.
const TOLD: usize = 64;
/// Headers of one request.
const HEADERS: usize = 100;

/// Room for connections, and who has it.
#[derive(Clone)]
pub(crate) struct Connections {
    room: Arc<Semaphore>,
    most: u32,
    told: Arc<Semaphore>,
}

impl Connections {
    /// Room for `most` connections.
    pub(crate) fn new(most: usize) -> Self {
        let most = u32::try_from(most).unwrap_or(u32::MAX).min(Semaphore::MAX_PERMITS as u32);
        let room = Arc::new(Semaphore::new(most as usize));
        Self { room, most, told: Arc::new(Semaphore::new(TOLD)) }
    }

    /// Resolves when no connection is left.
    pub(crate) async fn gone(&self) {
        // Nobody closes the semaphore.
        let _ = self.room.acquire_many(self.most).await;
    }
}

/// Takes connections.
pub(crate) struct Listener {
    pub(crate) listener: TcpListener,
    pub(crate) acceptor: Option<TlsAcceptor>,
    pub(crate) cors: Option<Arc<Cors>>,
    pub(crate) router: Router,
    pub(crate) serving: Arc<Serving>,
    pub(crate) connections: Connections,
}

impl Listener {
    /// Takes connections until the server goes down.
    pub(crate) async fn run(self) {
        let serving = self.serving.clone();
        let mut draining = pin!(serving.draining());
        loop {
            let accepted = tokio::select! {
                biased;
                () = &mut draining => break,
                accepted = self.listener.accept() => accepted,
            };
            match accepted {
                Ok((tcp, _)) => self.take(tcp),
                // The one who came went away again.
                Err(error) if is_of_the_peer(&error) => {}
                Err(error) => {
                    tracing::warn!(%error, "no connection can be taken");
                    sleep(EXHAUSTED).await;
                }
            }
        }
        // The port is free from here on; what is under way has its grace.
        drop(self.listener);
        let (grace, connections) = (serving.options.grace, self.connections);
        if timeout(grace, connections.gone()).await.is_err() {
            serving.go(Phase::Cut);
        }
    }

    fn take(&self, tcp: TcpStream) {
        if let Err(error) = prepare(&tcp) {
            tracing::debug!(%error, "a connection went away");
            return;
        }
        let Ok(place) = self.connections.room.clone().try_acquire_owned() else {
            return self.turn_away(tcp);
        };
        let (serving, router, cors) =
            (self.serving.clone(), self.router.clone(), self.cors.clone());
        let peer = Arc::new(Peer::default());
        let wire = Wire::new(tcp, peer.clone(), &serving.options);
        let front = Front { serving: serving.clone(), router, cors, peer };
        match self.acceptor.clone() {
            None => drop(tokio::spawn(serve(wire, front, serving, place))),
            Some(acceptor) => drop(tokio::spawn(async move {
                let limit = serving.options.header_timeout;
                // Who speaks no TLS, takes forever to say so, or has not done so when the server goes
                // down, is closed without a word.
                let accepted = tokio::select! {
                    accepted = timeout(limit, acceptor.accept(wire)) => accepted,
                    () = serving.draining() => return,
                };
                if let Ok(Ok(stream)) = accepted {
                    serve(stream, front, serving, place).await;
                }
            })),
        }
    }

    /// Says that there is no room, and closes.
    fn turn_away(&self, mut tcp: TcpStream) {
        let Ok(told) = self.connections.told.clone().try_acquire_owned() else { return };
        if self.acceptor.is_some() {
            return;
        }
        let text = refusal::full(&self.serving);
        tokio::spawn(async move {
            let _told = told;
            let told = async {
                tcp.write_all(&text).await?;
                tcp.shutdown().await?;
                // Closing with something unread would take the answer away again.
                let mut rest = [0; 1024];
                while tcp.read(&mut rest).await? > 0 {}
                io::Result::Ok(())
            };
            let _ = timeout(Duration::from_secs(1), told).await;
        });
    }
}

/// Serves one connection until it ends, or the server is down.
async fn serve<S>(stream: S, front: Front, serving: Arc<Serving>, _place: OwnedSemaphorePermit)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let _counted = serving.metrics.http().connection();
    let limit = serving.options.header_limit;
    let mut http = http1::Builder::new();
    // Who sends a request too slowly is found by the wire.
    http.header_read_timeout(None)
        .max_headers(HEADERS)
        // The limit itself is checked where it can be answered in form; this is the bound of memory.
        .max_buf_size((4 * limit).max(64 << 10));
    let connection =
        http.serve_connection(TokioIo::new(Worded::new(stream, serving.clone())), front);
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        () = serving.draining() => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        None => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                ended = connection.as_mut() => ended,
                () = serving.reached(Phase::Cut) => return,
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke");
    }
}

/// Small answers go at once, and a peer that is gone without a word is found out.
fn prepare(tcp: &TcpStream) -> io::Result<()> {
    tcp.set_nodelay(true)?;
    let keepalive = TcpKeepalive::new().with_time(SILENT).with_interval(SILENT / 3);
    SockRef::from(tcp).set_tcp_keepalive(&keepalive)
}

fn is_of_the_peer(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
