//! A folder with a store in it, and the binary beside it.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use windlass::{
    Client, LeaseRequest, LogLevel, NewUpdate, Outcome, Payload, Renewal, RetryOptions, Settle,
    TaskError, TaskId, TaskSpec,
};

/// What a command printed and how it ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    /// Standard output as one JSON document.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    /// Standard output as one JSON document on each line.
    pub(crate) fn json_lines(&self) -> Vec<Value> {
        let read =
            |line: &str| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        self.out.lines().map(read).collect()
    }

    /// The code in `error: text (code)`, or in the JSON form.
    pub(crate) fn error_code(&self) -> String {
        if let Ok(error) = serde_json::from_str::<Value>(&self.err) {
            return error["error"]["code"].as_str().unwrap_or_default().to_owned();
        }
        let line = self.err.lines().find(|line| line.starts_with("error: ")).unwrap_or_default();
        let code = line.rsplit_once('(').map(|(_, code)| code.trim_end_matches(')'));
        code.unwrap_or_default().to_owned()
    }
}

pub(crate) struct Stage {
    folder: TempDir,
}

impl Stage {
    /// An empty folder: no store in it yet.
    pub(crate) fn empty() -> Self {
        Self { folder: TempDir::new().expect("a temporary folder") }
    }

    /// A folder with a store, filled by `fill`.
    pub(crate) fn with<T, F: Future<Output = T>>(fill: impl FnOnce(Client) -> F) -> (Self, T) {
        let stage = Self::empty();
        let filled = stage.on_store(fill);
        (stage, filled)
    }

    /// Does something with the store by the Rust face, as another process would.
    pub(crate) fn on_store<T, F: Future<Output = T>>(&self, act: impl FnOnce(Client) -> F) -> T {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let client = windlass::connect(&self.url()).await.expect("a store");
            let done = act(client.clone()).await;
            client.close().await.expect("closed");
            done
        })
    }

    /// The same on a thread of its own, at once.
    #[cfg(target_os = "linux")]
    pub(crate) fn on_store_later<F: Future<Output = ()>>(
        &self,
        act: impl FnOnce(Client) -> F + Send + 'static,
    ) -> std::thread::JoinHandle<()> {
        let url = self.url();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().expect("a runtime");
            runtime.block_on(async {
                let client = windlass::connect(&url).await.expect("a store");
                act(client.clone()).await;
                client.close().await.expect("closed");
            });
        })
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn url(&self) -> String {
        format!("sqlite:{}", self.file("windlass.db").display())
    }

    /// A command in the folder, where the default store is `windlass.db`.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_windlass"));
        command.args(args).current_dir(self.folder.path()).stdin(Stdio::null());
        let ours = |name: &std::ffi::OsStr| name.to_string_lossy().starts_with("WINDLASS_");
        for (name, _) in std::env::vars_os().filter(|(name, _)| ours(name)) {
            command.env_remove(name);
        }
        command.env_remove("NO_COLOR").env_remove("COLUMNS");
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        finish(self.command(args))
    }

    /// With `input` on standard input.
    pub(crate) fn run_with(&self, args: &[&str], input: &[u8]) -> Ran {
        let mut command = self.command(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary starts");
        // A command that refuses its input may close it before all is written.
        let _ = child.stdin.take().expect("piped").write_all(input);
        end(child)
    }
}

/// A `windlass serve` or `windlass dev` that answers. Killed when dropped.
pub(crate) struct Serving {
    child: Option<Child>,
    /// What it says after its first line. Held open: a server that cannot print any more would be another case.
    _out: BufReader<ChildStdout>,
    /// Its first line.
    pub(crate) ready: Value,
}

impl Serving {
    /// `windlass serve` on the stage's store and a free port.
    pub(crate) fn on(stage: &Stage, args: &[&str], vars: &[(&str, &str)]) -> Self {
        let base = ["serve", "--listen", "127.0.0.1:0", "-o", "json"];
        let mut command = stage.command(&[&base, args].concat());
        command.envs(vars.iter().copied());
        Self::start(command)
    }

    /// Starts a command that says in one line of JSON that it is ready.
    pub(crate) fn start(mut command: Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary starts");
        let mut out = BufReader::new(child.stdout.take().expect("piped"));
        let mut line = String::new();
        out.read_line(&mut line).expect("a line");
        match serde_json::from_str(&line) {
            Ok(ready) => Self { child: Some(child), _out: out, ready },
            Err(error) => panic!("{error} in {line:?}: {:?}", end(child)),
        }
    }

    pub(crate) fn url(&self) -> &str {
        self.ready["url"].as_str().expect("a url")
    }

    pub(crate) fn child(&mut self) -> &mut Child {
        self.child.as_mut().expect("it runs")
    }

    #[cfg(unix)]
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let child = self.child.as_ref().expect("it runs");
        rustix::process::kill_process(rustix::process::Pid::from_child(child), signal).unwrap();
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Ran {
        end(self.child.take().expect("it runs"))
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Runs a command to its end.
pub(crate) fn finish(mut command: Command) -> Ran {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    end(command.spawn().expect("the binary starts"))
}

/// Waits for a started command; one that does not end is killed, and so fails its test.
pub(crate) fn end(child: Child) -> Ran {
    let (ended, watch) = std::sync::mpsc::channel::<()>();
    #[cfg(unix)]
    let process = rustix::process::Pid::from_child(&child);
    let watchdog = std::thread::spawn(move || {
        let over = watch.recv_timeout(Duration::from_secs(120));
        #[cfg(unix)]
        if over == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
            let _ = rustix::process::kill_process(process, rustix::process::Signal::KILL);
        }
        let _ = over;
    });
    let output = child.wait_with_output().expect("the binary ends");
    drop(ended);
    watchdog.join().expect("it only waits");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    Ran {
        code: output.status.code().unwrap_or(-1),
        out: text(output.stdout),
        err: text(output.stderr),
    }
}

/// Submits a task without retries and answers its id.
pub(crate) async fn submit(client: &Client, task_type: &str, payload: &str) -> TaskId {
    let payload = Payload::new("payload", payload).expect("JSON");
    let spec = TaskSpec::new(task_type, payload).max_retries(0);
    client.submit(spec).await.expect("stored").task_id
}

/// Leases the next task of a type, logs and reports progress, and records an outcome.
pub(crate) async fn perform(client: &Client, task_type: &str, outcome: Outcome) -> TaskId {
    let request = LeaseRequest {
        worker: "tester".to_owned(),
        queues: vec!["default".to_owned()],
        handlers: vec![task_type.to_owned()],
        limit: 1,
        ttl: Duration::from_secs(60),
        wait: Duration::ZERO,
        suspects: true,
    };
    let leased = client.lease(request).await.expect("a lease").tasks.pop().expect("a task waits");
    let (task_id, token) = (leased.task.task_id, leased.token);
    let log = |level, message: &str| NewUpdate::Log { level, message: message.to_owned() };
    let updates = vec![
        log(LogLevel::Debug, "opening"),
        NewUpdate::Progress { progress: 50.0, message: Some("half".to_owned()) },
        log(LogLevel::Warning, "slow\nvery"),
    ];
    let started = Some(Duration::from_millis(5));
    let renewal = Renewal { task_id, token, extend: None, started, updates };
    client.renew(vec![renewal]).await.expect("renewed");
    let declared = RetryOptions::default();
    let settle = Settle { task_id, token, outcome, started: None, updates: Vec::new(), declared };
    let reply = client.settle(vec![settle], None).await.expect("settled");
    assert!(reply.settled.iter().all(Result::is_ok), "{:?}", reply.settled);
    task_id
}

pub(crate) fn complete(result: &str) -> Outcome {
    Outcome::complete(Payload::new("result", result).expect("JSON"))
}

pub(crate) fn fail(message: &str) -> Outcome {
    Outcome::Fail { error: TaskError::new("handler_error", message).fatal() }
}
