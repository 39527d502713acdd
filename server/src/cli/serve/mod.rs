//! `windlass serve` and `windlass dev`: a store's server, until it is told to stop.

mod dev;
mod logs;
mod options;
mod ready;
mod signals;

use windlass::{Client, ConnectOptions, Error};

use crate::cli::args::Global;
use crate::cli::failure::{Done, Failure};
use crate::cli::output::Output;
use crate::cli::output::time::exact;
use crate::http::{ServeOptions, Server};
use crate::observe::Metrics;
pub(crate) use dev::DevArgs;
pub(crate) use logs::Logs;
pub(crate) use options::ServeArgs;
use ready::{Greeting, Ready};
use signals::Signals;

/// `windlass dev`: everything by default, and a word on how to begin.
pub(crate) async fn dev(args: &DevArgs, global: &Global, output: &Output) -> Done {
    refuse(global, "dev")?;
    if global.api_key_file.is_some() {
        return Err(Failure::usage(
            "dev takes no key: only this machine reaches it",
            "windlass serve --api-key-file FILE demands one",
        ));
    }
    let start = Start {
        store: args.store.clone(),
        connect: ConnectOptions::default(),
        serve: args.serve_options(),
        greeting: Greeting::Dev,
    };
    start.run(output).await
}

/// `windlass serve`: a server as operators run it.
pub(crate) async fn serve(args: &ServeArgs, global: &Global, output: &Output) -> Done {
    refuse(global, "serve")?;
    let start = Start {
        store: args.store.clone(),
        connect: args.connect_options(),
        serve: args.serve_options(global)?,
        greeting: if args.logs_json() || output.is_json() {
            Greeting::Json
        } else {
            Greeting::Line
        },
    };
    start.run(output).await
}

/// What global options would say of a client, not of a server.
fn refuse(global: &Global, command: &str) -> Done {
    if global.url.is_some() {
        return Err(Failure::usage(
            format!("--url is where a client looks; {command} is told its store by --store"),
            "for example: windlass serve --store sqlite:tasks.db",
        ));
    }
    if global.tenant.is_some() {
        return Err(Failure::usage(
            format!("--tenant is a client's; {command} serves every tenant"),
            "leave it out; each request names its tenant in the header Windlass-Tenant",
        ));
    }
    Ok(())
}

/// Everything that is known before a server starts.
struct Start {
    store: String,
    connect: ConnectOptions,
    serve: ServeOptions,
    greeting: Greeting,
}

impl Start {
    /// Serves until a signal says stop, then lets what is open finish; a second signal ends at once.
    async fn run(self, output: &Output) -> Done {
        let mut signals = Signals::listen()?;
        let started = tokio::select! {
            biased;
            () = signals.next() => return Ok(()),
            started = self.start() => started,
        };
        let (client, server) = started?;
        let ready = Ready::new(&server, &client, &self.serve);
        // A pipe that nobody reads is no reason not to serve.
        let _ = ready.tell(self.greeting, output);
        signals.next().await;
        let grace = exact(self.serve.grace);
        tracing::info!("stopping; what is open has {grace} to finish");
        output
            .note(&format!("stopping: what is open has {grace} to finish; once more ends it now"));
        server.stop();
        let end = async {
            server.stopped().await;
            client.close().await
        };
        tokio::select! {
            biased;
            () = signals.next() => Ok(()),
            closed = end => Ok(closed?),
        }
    }

    async fn start(&self) -> Result<(Client, Server), Failure> {
        if self.store.starts_with("http://") || self.store.starts_with("https://") {
            return Err(Failure::usage(
                "a server needs a store of its own, not another server",
                "for example: windlass serve --store sqlite:tasks.db",
            ));
        }
        let metrics = Metrics::new();
        let mut connect = self.connect.clone();
        connect.instrument = Some(metrics.instrument());
        let client = windlass::connect_with(&self.store, connect).await?;
        let serve = ServeOptions { metrics: Some(metrics), ..self.serve.clone() };
        match Server::start(client.clone(), serve).await {
            Ok(server) => Ok((client, server)),
            Err(error) => {
                // Why it did not start is what matters; that it also did not close says no more.
                let _ = client.close().await;
                Err(self.explain(error))
            }
        }
    }

    /// The failure to start, with what to do about a port that somebody has.
    fn explain(&self, error: Error) -> Failure {
        let is_taken = |listen: &str| {
            let probe = std::net::TcpListener::bind(listen).map(drop);
            probe.is_err_and(|error| error.kind() == std::io::ErrorKind::AddrInUse)
        };
        let listen = &self.serve.listen;
        match &error {
            Error::InvalidArgument { field, .. } if field == "listen" && is_taken(listen) => {
                let free = match self.greeting {
                    Greeting::Dev => "--port 0".to_owned(),
                    Greeting::Line | Greeting::Json => format!("--listen {}:0", host_of(listen)),
                };
                Failure::usage(
                    format!("{listen} is in use, perhaps by another windlass"),
                    &format!(
                        "stop what listens there, or choose another port: {free} takes a free one"
                    ),
                )
            }
            _ => error.into(),
        }
    }
}

fn host_of(listen: &str) -> &str {
    listen.rsplit_once(':').map_or(listen, |(host, _)| host)
}
