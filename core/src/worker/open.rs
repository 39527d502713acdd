//! Leases that a service holds open until there is something, and how a worker that leaves ends them.

use std::time::Duration;

use crate::error::Result;
use crate::future::BoxFuture;
use crate::words::{LeaseRequest, Leased};
use crate::worker::driver::{Driver, Leaving};

/// How long a lease may be held open by a service that cannot hint.
const LONG_POLL: Duration = Duration::from_secs(20);
/// How long a worker that leaves awaits the answer to a lease that is held open.
const LAST_ANSWER: Duration = Duration::from_secs(2);

impl Driver {
    /// What a service that cannot hint leases: it holds its answer until there is something.
    pub(super) async fn held_open(&self, mut request: LeaseRequest) -> Result<Leased> {
        request.wait = LONG_POLL;
        let mut answer = self.service.lease(&self.tenant, request);
        tokio::select! {
            // What has come is taken, to be given back by name.
            biased;
            leased = &mut answer => leased,
            () = self.leaves(Leaving::InOrder) => self.last_of(answer).await,
        }
    }

    /// What comes of a lease that is held open when the worker leaves. It is not given up at once: what is
    /// granted in that moment would be on its way to nobody, and a peer that closes in order has read it
    /// for all a server can see. So the service is asked to answer now, and what comes is handed back.
    async fn last_of(&self, answer: BoxFuture<'_, Result<Leased>>) -> Result<Leased> {
        let refused = async {
            // It does not know how: then nothing is awaited.
            if self.service.leave(&self.tenant, self.id()).await.is_ok() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            biased;
            // No answer is no trouble to a worker that wants none.
            leased = answer => return Ok(leased.unwrap_or_default()),
            () = self.leaves(Leaving::AtOnce) => {}
            () = refused => return Ok(Leased::default()),
            // Another process may have been told than the one that holds the answer.
            () = self.host.sleep(LAST_ANSWER) => return Ok(Leased::default()),
        }
        // One that ends now awaits nothing. It says so before it hands back what it has, or the lease that it
        // gave up, which the server still holds open, would get just that.
        tokio::select! {
            biased;
            _ = self.service.leave(&self.tenant, self.id()) => {}
            () = self.host.sleep(LAST_ANSWER) => {}
        }
        Ok(Leased::default())
    }

    /// Resolves when no more work is taken, in this way or a quicker one.
    async fn leaves(&self, how: Leaving) {
        // The sender lives as long as `self`.
        let _ = self.leaving.subscribe().wait_for(|leaving| *leaving >= how).await;
    }
}
