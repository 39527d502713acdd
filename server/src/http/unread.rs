//! What of a request's body nobody has read.
//!
//! A connection that is closed while the other side still sends is reset, and the answer is lost with
//! it: a client that writes first and reads then would never learn why it was refused. So what is left
//! of a body is read and dropped before the answer goes out, within bounds.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;

/// Where a body that was not read to its end is left.
pub(crate) type Left = Arc<Mutex<Option<Incoming>>>;

/// A request's body. Dropped before its end, it leaves the rest behind.
pub(crate) struct Read {
    body: Option<Incoming>,
    left: Left,
}

impl Read {
    /// `body`, and where its rest will be.
    pub(crate) fn of(body: Incoming) -> (Self, Left) {
        let left = Left::default();
        (Self { body: Some(body), left: left.clone() }, left)
    }
}

impl Body for Read {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match self.body.as_mut() {
            Some(body) => Pin::new(body).poll_frame(context),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(SizeHint::default, Body::size_hint)
    }
}

impl Drop for Read {
    fn drop(&mut self) {
        if let Some(body) = self.body.take().filter(|body| !body.is_end_stream()) {
            *self.left.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(body);
        }
    }
}

/// Reads and drops what is left, for `time` and `most` bytes at most.
pub(crate) async fn drop_rest(left: &Left, most: usize, time: Duration) {
    let body = left.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take();
    let Some(mut body) = body else { return };
    if body.size_hint().lower() > most as u64 {
        return;
    }
    let dropped = async {
        let mut size = 0;
        while let Some(Ok(frame)) = body.frame().await {
            size += frame.data_ref().map_or(0, Bytes::len);
            if size > most {
                break;
            }
        }
    };
    // Who sends slower than that is not waited for.
    let _ = tokio::time::timeout(time, dropped).await;
}
