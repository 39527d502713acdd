//! What the tests of the store share.
#![allow(dead_code)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use windlass_core::engine::settle;
use windlass_core::engine::submit::{self, NewTask};
use windlass_core::engine::transition::Transition;
use windlass_core::rules::ids::IdSource;
use windlass_core::store::{EnqueueGroup, LeaseOrder};
use windlass_core::{
    Clock, LeaseRequest, LeasedTask, Outcome, Payload, Result, RetryOptions, Settle, Store,
    SystemClock, TaskId, TaskSpec,
};
use windlass_sqlite::{Options, SqliteStore};

pub(crate) const TENANT: &str = "default";

pub(crate) fn open(path: &Path) -> Result<SqliteStore> {
    SqliteStore::open(path, Options::default())
}

pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

pub(crate) fn new_task(ids: &IdSource, bytes: usize) -> NewTask {
    let payload = Payload::trusted(format!("{{\"x\":\"{}\"}}", "y".repeat(bytes)));
    let id = ids.task(SystemClock.now());
    submit::decide(TaskSpec::new("work", payload), TENANT, id, None).unwrap()
}

pub(crate) fn group(ids: &IdSource, size: usize, bytes: usize) -> EnqueueGroup {
    let tasks = (0..size).map(|_| new_task(ids, bytes)).collect();
    EnqueueGroup { tenant: TENANT.to_owned(), tasks, depth_limit: None }
}

/// Submits one task.
pub(crate) async fn submit(store: &SqliteStore, ids: &IdSource) -> Result<TaskId> {
    let stored = store.enqueue(vec![group(ids, 1, 100)]).await?.remove(0)?;
    Ok(stored[0].task_id)
}

pub(crate) fn order(ids: &IdSource, limit: u32) -> LeaseOrder {
    LeaseOrder {
        tenant: TENANT.to_owned(),
        request: LeaseRequest {
            worker: format!("worker-{}", std::process::id()),
            queues: vec!["default".to_owned()],
            handlers: vec!["work".to_owned()],
            limit,
            ttl: Duration::from_secs(60),
            wait: Duration::ZERO,
            suspects: true,
        },
        token: ids.token(),
    }
}

pub(crate) fn completions(leased: &[LeasedTask]) -> Vec<Transition> {
    let complete = |one: &LeasedTask| {
        let settled = Settle {
            task_id: one.task.task_id,
            token: one.token,
            outcome: Outcome::complete(Payload::trusted("{\"ok\":true}")),
            started: Some(Duration::ZERO),
            updates: Vec::new(),
            declared: RetryOptions::default(),
        };
        settle::complete(&settled, &one.task.tenant).unwrap()
    };
    leased.iter().map(complete).collect()
}

/// A file system of its own, gone with this value.
pub(crate) struct Mount {
    pub(crate) path: PathBuf,
    _folder: tempfile::TempDir,
}

impl Mount {
    /// Mounts with `mount ARGUMENTS... PATH`. Only root may; `None`, loudly, where it is not allowed.
    /// In CI, where it must be, that is a failure.
    pub(crate) fn new(arguments: &[&str]) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_owned();
        let done = Command::new("mount").args(arguments).arg(&path).output();
        match done {
            Ok(output) if output.status.success() => Some(Self { path, _folder: folder }),
            other => {
                assert!(std::env::var_os("CI").is_none(), "CI must be able to mount: {other:?}");
                let say = "NOT RUN: this test needs root to mount a file system";
                std::io::Write::write_all(&mut std::io::stderr(), format!("{say}\n").as_bytes())
                    .unwrap();
                None
            }
        }
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.path).status();
    }
}
