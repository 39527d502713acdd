//! A real server, and clients of it.

use std::future::Future;
use std::time::Duration;

use windlass::{BreakerConfig, Client, ConnectOptions, Payload, RetryConfig, TaskSpec};
use windlass_server::http::{ServeOptions, Server};

/// A server on a store of its own in memory.
pub(crate) struct Stage {
    pub(crate) server: Server,
    /// A client of the same store in this process.
    pub(crate) inside: Client,
}

/// How long anything may take that is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// The future's value, which must come.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("it comes in time")
}

impl Stage {
    pub(crate) async fn new() -> Self {
        Self::with(ConnectOptions::default(), ServeOptions::default()).await
    }

    pub(crate) async fn with(store: ConnectOptions, serve: ServeOptions) -> Self {
        let inside = windlass::connect_with("memory:", store).await.unwrap();
        let serve = ServeOptions { listen: "127.0.0.1:0".to_owned(), ..serve };
        let server = Server::start(inside.clone(), serve).await.unwrap();
        Self { server, inside }
    }

    /// A client by HTTP.
    pub(crate) async fn client(&self) -> Client {
        connect(&self.server.url(), quick()).await
    }

    /// Stops the server, and waits until it is gone.
    pub(crate) async fn stop(&self) {
        self.server.stop();
        soon(self.server.stopped()).await;
    }
}

/// Options that do not make a test wait.
pub(crate) fn quick() -> ConnectOptions {
    ConnectOptions {
        retry: RetryConfig { initial_delay: Duration::from_millis(5), ..RetryConfig::default() },
        ..ConnectOptions::default()
    }
}

/// The same, never repeating.
pub(crate) fn once() -> ConnectOptions {
    let retry = RetryConfig { max_retries: 0, ..RetryConfig::default() };
    ConnectOptions { retry, ..ConnectOptions::default() }
}

/// A breaker that opens at the `failures`th failure, for `timeout`, until one probe is good.
pub(crate) fn breaker(failures: u32, timeout: Duration) -> Option<BreakerConfig> {
    let excluded = Vec::new();
    Some(BreakerConfig { failure_threshold: failures, success_threshold: 1, timeout, excluded })
}

pub(crate) async fn connect(url: &str, options: ConnectOptions) -> Client {
    windlass::connect_with(url, options).await.unwrap()
}

/// A task that no handler is needed for.
pub(crate) fn spec() -> TaskSpec {
    TaskSpec::new("work", Payload::null())
}
