//! Answers where no request was read: to connections beyond the limit, and to what is no HTTP.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use windlass_core::{Error, Problem};

use super::serving::{Serving, unavailable};

/// The answer when there is no room for another connection.
pub(crate) fn full(serving: &Serving) -> Vec<u8> {
    text(serving, "Service Unavailable", &unavailable("too many connections are open"))
}

fn text(serving: &Serving, words: &str, error: &Error) -> Vec<u8> {
    let problem = Problem::of(error, serving.now(), None);
    let body = serde_json::to_string(&problem).unwrap_or_default();
    let retry = if problem.status == 503 { "retry-after: 1\r\n" } else { "" };
    format!(
        "HTTP/1.1 {} {words}\r\ncontent-type: application/problem+json\r\ncontent-length: {}\r\n\
         {retry}connection: close\r\n\r\n{body}",
        problem.status,
        body.len()
    )
    .into_bytes()
}

/// The bytes of a connection, with words where hyper has none: what it cannot read as a request it
/// answers by a status alone, before any of this server's code is asked.
pub(crate) struct Worded<S> {
    stream: S,
    serving: Arc<Serving>,
    instead: Option<Instead>,
}

/// An answer that is written in the place of another.
struct Instead {
    text: Vec<u8>,
    written: usize,
    /// Length of the one that it stands for.
    length: usize,
}

impl<S> Worded<S> {
    /// Gives words to what is written to `stream`.
    pub(crate) fn new(stream: S, serving: Arc<Serving>) -> Self {
        Self { stream, serving, instead: None }
    }

    fn instead_of(&self, head: &[u8]) -> Option<Instead> {
        let (status_code, words, reason) = match head.get(..12)? {
            b"HTTP/1.1 400" => (400, "Bad Request", "what was sent is no HTTP/1.1 request"),
            b"HTTP/1.1 414" => (414, "URI Too Long", "the URL is too long"),
            b"HTTP/1.1 431" => {
                (431, "Request Header Fields Too Large", "line and headers are too large")
            }
            _ => return None,
        };
        let error = Error::Api { status_code, reason: reason.to_owned() };
        // This server's own answers with these statuses have a body.
        let bare = head.ends_with(b"\r\n\r\n") && contains(head, b"\r\ncontent-length: 0\r\n");
        let text = bare.then(|| text(&self.serving, words, &error))?;
        Some(Instead { text, written: 0, length: head.len() })
    }
}

fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

impl<S: AsyncWrite + Unpin> Worded<S> {
    /// Writes the other answer to its end; `None` when there is none.
    fn poll_instead(&mut self, cx: &mut Context<'_>) -> Option<Poll<io::Result<usize>>> {
        while let Some(instead) = &mut self.instead {
            let rest = &instead.text[instead.written..];
            if rest.is_empty() {
                let length = instead.length;
                self.instead = None;
                return Some(Poll::Ready(Ok(length)));
            }
            match Pin::new(&mut self.stream).poll_write(cx, rest) {
                Poll::Ready(Ok(0)) => {
                    return Some(Poll::Ready(Err(io::ErrorKind::WriteZero.into())));
                }
                Poll::Ready(Ok(written)) => instead.written += written,
                other => return Some(other),
            }
        }
        None
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Worded<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.instead.is_none() {
            self.instead = self.instead_of(buf);
        }
        match self.poll_instead(cx) {
            Some(written) => written,
            None => Pin::new(&mut self.stream).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let (None, Some(first)) = (&self.instead, bufs.iter().find(|buf| !buf.is_empty())) {
            self.instead = self.instead_of(first);
        }
        match self.poll_instead(cx) {
            Some(written) => written,
            None => Pin::new(&mut self.stream).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Worded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}
