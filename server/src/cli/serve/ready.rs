//! What is said when a server is ready.

use std::io;

use serde::Serialize;
use windlass::Client;

use crate::cli::output::Output;
use crate::cli::output::text::Paint;
use crate::console::Console;
use crate::http::{ServeOptions, Server};

/// In which words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Greeting {
    /// A few lines for somebody who begins.
    Dev,
    /// One line for people.
    Line,
    /// One line for programs.
    Json,
}

/// What is known of a server that answers, for programs.
#[derive(Debug, Serialize)]
pub(super) struct Ready {
    /// Always `ready`: what this line is about.
    event: &'static str,
    /// Where it answers.
    url: String,
    /// Where a browser finds the console; null when it is not served.
    console: Option<String>,
    /// Where its store is.
    store: String,
    /// Whether requests must carry a key.
    key: bool,
    pid: u32,
    version: &'static str,
}

impl Ready {
    pub(super) fn new(server: &Server, client: &Client, options: &ServeOptions) -> Self {
        let url = server.url();
        Self {
            event: "ready",
            console: (options.console != Console::Off).then(|| format!("{url}/")),
            url,
            store: client.location(),
            key: options.api_key.is_some(),
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION"),
        }
    }

    pub(super) fn tell(&self, greeting: Greeting, output: &Output) -> io::Result<()> {
        match greeting {
            _ if output.is_json() => output.json_line(self),
            Greeting::Json => output.json_line(self),
            Greeting::Line => {
                let key = if self.key { "" } else { ", without a key: for this machine only" };
                let Self { url, store, version, .. } = self;
                let console = self.console.as_ref();
                let console =
                    console.map(|at| format!(", the console at {at}")).unwrap_or_default();
                output.line(&format!("windlass {version} serves {store} at {url}{console}{key}"))
            }
            Greeting::Dev => self.tell_how_to_begin(output),
        }
    }

    fn tell_how_to_begin(&self, output: &Output) -> io::Result<()> {
        let Self { url, store, .. } = self;
        let name = |text: &str| output.painted(Paint::Dim, &format!("{text:9}"));
        let link = |url: &str| output.painted(Paint::Live, url);
        let console = self.console.as_ref();
        let console = console.map(|at| format!("{}{}\n", name("console"), link(at)));
        output.line(&format!(
            "{}{}\n{}{}{store}\n\n{}\n\
             \x20 curl {url}/api/v1/tasks \\\n\
             \x20   -H 'content-type: application/json' \\\n\
             \x20   -d '{{\"task_type\": \"thumbnail\", \"payload\": {{\"path\": \"a.jpg\"}}}}'\n\n{}\n\
             \x20 windlass worker MODULE:APP --url {url}\n\n{}",
            name("server"),
            link(url),
            console.unwrap_or_default(),
            name("store"),
            output.painted(Paint::Dim, "Submit a task:"),
            output.painted(Paint::Dim, "Run your handlers, in another terminal:"),
            output.painted(Paint::Dim, "Ctrl-C stops it; the tasks are kept."),
        ))
    }
}
