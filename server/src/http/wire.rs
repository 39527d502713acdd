//! The bytes of a connection: who never reads is cut, and what was granted learns whether it arrived.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep};

use super::options::ServeOptions;
use super::peer::{Peer, UNREAD};

/// A connection on which nothing is asked for this long is closed.
const IDLE: Duration = Duration::from_secs(75);

/// A TCP connection.
pub(crate) struct Wire {
    tcp: TcpStream,
    peer: Arc<Peer>,
    write_timeout: Duration,
    /// Runs while the other side takes nothing.
    stalled: Option<Pin<Box<Sleep>>>,
    /// Runs from the end of what is written until the other side says whether it has read it.
    parting: Option<Pin<Box<Sleep>>>,
    watch: Watch,
}

/// Watches over a silent side. It looks once in a while instead of being wound up with each request,
/// which costs more than a small request does; so who is slow is cut after one to two times the limit.
struct Watch {
    limit: Duration,
    next: Pin<Box<Sleep>>,
    /// Requests at the last look.
    requests: u32,
    /// Bytes came while nothing was under way, after so many requests: the head of the next.
    came: Option<u32>,
    /// That was so at the last look.
    begun: Option<u32>,
    /// Whether bytes went since the last look.
    went: bool,
    /// Looks in a row that found nothing at all.
    quiet: u32,
}

/// What a look finds.
enum Found {
    Well,
    /// Nothing has been asked for a long time.
    Idle,
    /// A request has begun and does not go on.
    Slow,
}

impl Watch {
    fn new(limit: Duration) -> Self {
        let next = Box::pin(sleep(limit));
        Self { limit, next, requests: 0, came: None, begun: None, went: false, quiet: 0 }
    }

    /// Looks, if it is time.
    fn poll(&mut self, cx: &mut Context<'_>, peer: &Peer) -> Poll<Found> {
        while self.next.as_mut().poll(cx).is_ready() {
            self.next.as_mut().reset(Instant::now() + self.limit);
            let found = self.look(peer.activity());
            if !matches!(found, Found::Well) {
                return Poll::Ready(found);
            }
        }
        Poll::Pending
    }

    fn look(&mut self, (requests, busy): (u32, bool)) -> Found {
        let went = std::mem::take(&mut self.went);
        let asked = std::mem::replace(&mut self.requests, requests) != requests;
        let begun = self.came.filter(|after| !busy && *after == requests);
        let before = std::mem::replace(&mut self.begun, begun);
        if !busy && (requests == 0 || (begun.is_some() && begun == before)) {
            return Found::Slow;
        }
        if busy || went || asked || begun.is_some() {
            self.quiet = 0;
            return Found::Well;
        }
        self.quiet += 1;
        if self.limit * self.quiet >= IDLE { Found::Idle } else { Found::Well }
    }
}

impl Wire {
    /// The bytes to and from `peer`.
    pub(crate) fn new(tcp: TcpStream, peer: Arc<Peer>, options: &ServeOptions) -> Self {
        let watch = Watch::new(options.header_timeout);
        Self {
            tcp,
            peer,
            write_timeout: options.write_timeout,
            stalled: None,
            parting: None,
            watch,
        }
    }

    /// What a write came to, with the time that the other side took nothing.
    fn written<T>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        match written {
            Poll::Ready(done) => {
                self.stalled = None;
                self.watch.went = true;
                if done.is_err() {
                    self.peer.broke();
                }
                Poll::Ready(done)
            }
            Poll::Pending => {
                let limit = self.write_timeout;
                let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(limit)));
                ready!(stalled.as_mut().poll(cx));
                self.peer.broke();
                Poll::Ready(Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    "the other side reads nothing",
                )))
            }
        }
    }
}

impl Wire {
    /// Waits until the other side has ended as well, when it was given leases with its last answer: in
    /// order, or by a reset because it has not read them.
    fn part(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while self.peer.is_waiting() {
            let mut rest = [0; 256];
            let mut buf = ReadBuf::new(&mut rest);
            let Poll::Ready(read) = Pin::new(&mut *self).poll_read(cx, &mut buf) else {
                let parting = self.parting.get_or_insert_with(|| Box::pin(sleep(UNREAD)));
                return parting.as_mut().poll(cx);
            };
            if read.is_err() || buf.filled().is_empty() {
                break;
            }
        }
        Poll::Ready(())
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let this = &mut *self;
        let Poll::Ready(read) = Pin::new(&mut this.tcp).poll_read(cx, buf) else {
            return match ready!(this.watch.poll(cx, &this.peer)) {
                Found::Slow => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
                // As if the other side had gone.
                Found::Idle | Found::Well => Poll::Ready(Ok(())),
            };
        };
        if let (requests, false) = this.peer.activity() {
            this.watch.came = Some(requests);
        }
        let ended = buf.filled().len() == before && buf.remaining() > 0;
        // A reset that comes after the end is told by no read.
        let reset = ended && !matches!(self.tcp.take_error(), Ok(None));
        if read.is_err() || reset {
            self.peer.broke()
        } else {
            self.peer.heard()
        }
        Poll::Ready(read)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.tcp).poll_write(cx, buf);
        self.written(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.tcp).poll_write_vectored(cx, bufs);
        self.written(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.tcp).poll_flush(cx))?;
        self.peer.flushed();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.tcp).poll_shutdown(cx))?;
        self.part(cx).map(Ok)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What looks find, one after another: requests so far, whether one is under way, whether the head of
    /// another has begun, whether bytes went.
    fn finds(looks: &[(u32, bool, bool, bool)]) -> Vec<&'static str> {
        let tokio = tokio::runtime::Builder::new_current_thread().enable_time().build();
        let tokio = tokio.expect("a runtime");
        let _entered = tokio.enter();
        let mut watch = Watch::new(Duration::from_secs(10));
        let mut find = |&(requests, busy, begun, went): &(u32, bool, bool, bool)| {
            watch.came = begun.then_some(requests).or(watch.came);
            watch.went = went;
            match watch.look((requests, busy)) {
                Found::Well => "well",
                Found::Idle => "idle",
                Found::Slow => "slow",
            }
        };
        looks.iter().map(&mut find).collect()
    }

    #[test]
    fn a_request_that_does_not_go_on_is_slow() {
        assert_eq!(finds(&[(0, false, false, false)]), ["slow"]);
        assert_eq!(finds(&[(0, false, true, false)]), ["slow"]);
        // It began right after an answer, and nothing came since.
        let (half, still) = ((1, false, true, true), (1, false, false, false));
        assert_eq!(finds(&[half, still]), ["well", "slow"]);
        let whole = (2, false, false, true);
        assert_eq!(finds(&[half, whole]), ["well", "well"]);
    }

    #[test]
    fn what_is_under_way_or_written_takes_its_time() {
        let (busy, body) = ((1, true, false, false), (1, false, false, true));
        assert_eq!(finds(&[busy, busy, body, body]), ["well"; 4]);
        assert_eq!(finds(&[(0, true, false, false)]), ["well"]);
    }

    #[test]
    fn a_connection_may_rest_for_a_while() {
        let (ask, rest) = ((1, false, false, true), (1, false, false, false));
        let mut looks = vec![ask];
        looks.extend([rest; 8]);
        let mut expected = vec!["well"; 8];
        expected.push("idle");
        assert_eq!(finds(&looks), expected);
        assert_eq!(finds(&[ask, rest, (2, false, false, true), rest]), ["well"; 4]);
    }
}
