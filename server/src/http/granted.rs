//! Leases that were granted and have not yet arrived at the worker.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use windlass_core::{Leased, Outcome, RetryOptions, Settle};

use super::peer::Peer;
use super::serving::Serving;

/// Leases on their way. Dropped before they have arrived, they are handed back uncounted, so that
/// another worker has them at once instead of when they expire.
pub(crate) struct Granted {
    serving: Arc<Serving>,
    tenant: Box<str>,
    settles: Vec<Settle>,
}

impl Granted {
    /// Watches over what was leased for `tenant`.
    pub(crate) fn new(serving: Arc<Serving>, tenant: &str, leased: &Leased) -> Self {
        let back = |leased: &windlass_core::LeasedTask| Settle {
            task_id: leased.task.task_id,
            token: leased.token,
            outcome: Outcome::HandBack,
            started: None,
            updates: Vec::new(),
            declared: RetryOptions::default(),
        };
        let settles = leased.tasks.iter().map(back).collect();
        Self { serving, tenant: tenant.into(), settles }
    }

    /// The worker has them.
    pub(crate) fn delivered(mut self) {
        self.settles.clear();
    }

    /// The body of the answer that carries them to `peer`.
    pub(crate) fn body(self, text: Vec<u8>, peer: Arc<Peer>) -> Body {
        if self.settles.is_empty() {
            return Body::from(text);
        }
        Body::new(GrantedBody { text: Some(text.into()), granted: Some(self), peer })
    }
}

impl Drop for Granted {
    fn drop(&mut self) {
        if self.settles.is_empty() {
            return;
        }
        let settles = std::mem::take(&mut self.settles);
        let (serving, tenant) = (self.serving.clone(), std::mem::take(&mut self.tenant));
        let host = serving.host.clone();
        host.spawn(Box::pin(async move {
            let count = settles.len();
            match serving.service.settle(&tenant, settles, None).await {
                Ok(_) => tracing::info!(tasks = count, "leases did not arrive and went back"),
                Err(error) => tracing::warn!(
                    tasks = count,
                    %error,
                    "leases did not arrive; they go back when they expire"
                ),
            }
        }));
    }
}

/// Text whose grant goes to the connection together with its bytes.
struct GrantedBody {
    text: Option<Bytes>,
    granted: Option<Granted>,
    peer: Arc<Peer>,
}

impl http_body::Body for GrantedBody {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if let Some(granted) = self.granted.take() {
            self.peer.writes(granted);
        }
        Poll::Ready(self.text.take().map(|text| Ok(Frame::data(text))))
    }

    fn is_end_stream(&self) -> bool {
        self.text.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.text.as_ref().map_or(0, |text| text.len() as u64))
    }
}
