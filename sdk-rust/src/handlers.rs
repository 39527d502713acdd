//! Typed handlers, and running them.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;
use windlass_core::{Client, DeclaredHandler, Outcome, Payload, Result, WorkerConfig};

use crate::context::Context;
use crate::failure::Failure;
use crate::running::Running;

type Handler = Arc<dyn Fn(Context, Payload) -> BoxFuture<'static, Outcome> + Send + Sync>;

/// Handlers by task type.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use serde_json::json;
/// use windlass::{Context, Handlers, TaskSpec, WorkerConfig};
///
/// #[derive(serde::Deserialize)]
/// struct Photo {
///     path: String,
/// }
///
/// let client = windlass::connect("memory:").await?;
/// let handlers = Handlers::new().on("thumbnail", async |ctx: Context, photo: Photo| {
///     ctx.progress(50.0, "decoded")?;
///     Ok(json!({ "path": photo.path, "width": 320 }))
/// });
/// let running = handlers.start(&client, WorkerConfig::default())?;
/// let task = client.submit(TaskSpec::new("thumbnail", json!({ "path": "a.jpg" }))).await?;
/// let result = client.result(&task.task_id.to_string(), None).await?;
/// assert_eq!(result.as_str(), r#"{"path":"a.jpg","width":320}"#);
/// running.drain().await;
/// # Ok::<(), windlass::Error>(()) }).unwrap();
/// ```
#[derive(Clone, Default)]
pub struct Handlers {
    by_name: HashMap<String, Handler>,
    declared: Vec<DeclaredHandler>,
}

impl Handlers {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the handler for a task type; the empty name is the default handler. The payload is read
    /// as `P`; one that does not fit fails the task with `invalid_payload`, without a retry.
    #[must_use]
    pub fn on<P, R, F, Fut>(self, task_type: impl Into<String>, handler: F) -> Self
    where
        P: DeserializeOwned + Send + 'static,
        R: Serialize + 'static,
        F: Fn(Context, P) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, Failure>> + Send + 'static,
    {
        let declared = DeclaredHandler { name: task_type.into(), ..DeclaredHandler::default() };
        self.declare(declared, handler)
    }

    /// The same, with retry options and timeout for tasks that are submitted without.
    #[must_use]
    pub fn declare<P, R, F, Fut>(mut self, declared: DeclaredHandler, handler: F) -> Self
    where
        P: DeserializeOwned + Send + 'static,
        R: Serialize + 'static,
        F: Fn(Context, P) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, Failure>> + Send + 'static,
    {
        let handler = Arc::new(handler);
        let run: Handler = Arc::new(move |context, payload| {
            let handler = handler.clone();
            Box::pin(async move {
                let payload = match payload.read::<P>("payload") {
                    Ok(payload) => payload,
                    Err(error) => return Failure::invalid_payload(error).into_outcome(),
                };
                let attempt = context.clone();
                match handler(context, payload).await {
                    Ok(answer) => match Payload::of("result", &answer) {
                        Ok(result) => Outcome::Complete { result, state: attempt.state_to_store() },
                        Err(error) => Failure::invalid_result(error).into_outcome(),
                    },
                    Err(failure) => failure.into_outcome(),
                }
            })
        });
        self.by_name.insert(declared.name.clone(), run);
        self.declared.push(declared);
        self
    }

    /// Starts a worker with these handlers; `config.handlers` is filled from them.
    ///
    /// # Errors
    ///
    /// `invalid_argument`: no handlers, two for one type, or a field of `config`.
    pub fn start(&self, client: &Client, mut config: WorkerConfig) -> Result<Running> {
        config.handlers.clone_from(&self.declared);
        if config.host.is_empty() {
            config.host = format!("rust-{}", std::process::id());
        }
        let concurrency = config.concurrency as usize;
        Ok(Running::new(client.worker(config)?, Arc::new(self.by_name.clone()), concurrency))
    }

    /// Works until Ctrl-C, then drains; a second Ctrl-C ends it at once. Errors as `start`.
    pub async fn run(&self, client: &Client, config: WorkerConfig) -> Result<()> {
        let running = self.start(client, config)?;
        let worker = running.worker().clone();
        let signals = async {
            // Without a way to be told, the worker ends with its process.
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
            worker.drain();
            if tokio::signal::ctrl_c().await.is_ok() {
                worker.stop();
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = running.stopped() => {}
            () = signals => {}
        }
        Ok(())
    }
}

pub(crate) type ByName = HashMap<String, Handler>;
