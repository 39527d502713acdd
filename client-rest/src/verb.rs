//! The verbs of a server: where each is, and whether it may be repeated. The typed face and that of text
//! both ask by this table.

use crate::call::Call;

/// A verb, as a server knows it.
#[derive(Debug)]
pub(crate) struct Verb {
    /// What errors and logs call it.
    pub(crate) name: &'static str,
    pub(crate) method: &'static str,
    /// Below `/api/v1`; each `*` is a part that a call names.
    path: &'static str,
    /// Whether a second run does no harm.
    pub(crate) repeatable: bool,
    /// Whether it goes on when the page that asks is gone: only a browser takes pages away.
    #[cfg_attr(not(target_family = "wasm"), allow(dead_code))]
    pub(crate) outlives: bool,
}

pub(crate) static SUBMIT: Verb = post("submit", "/tasks");
pub(crate) static SUBMIT_MANY: Verb = post("submit", "/tasks/bulk");
pub(crate) static FIND: Verb = post("get", "/tasks/find");
pub(crate) static WAIT: Verb = post("wait", "/tasks/wait");
pub(crate) static LIST: Verb = get("list", "/tasks");
pub(crate) static COUNT: Verb = get("count", "/tasks/count");
pub(crate) static RECENT: Verb = get("recent", "/recent");
pub(crate) static STATUS: Verb = get("get a status", "/tasks/*/status");
pub(crate) static WHY: Verb = get("why", "/tasks/*/why");
pub(crate) static UPDATES: Verb = get("updates", "/tasks/*/updates?after=*&limit=*&wait=*");
pub(crate) static EVENTS: Verb = get("updates", "/tasks/*/events?after=*");
pub(crate) static UPSTREAM: Verb = get("upstream", "/tasks/*/upstream/*");
pub(crate) static UPSTREAM_NAMES: Verb = get("upstream_names", "/tasks/*/upstream");
pub(crate) static CANCEL: Verb = post("cancel", "/tasks/*/cancel");
// A second run would find the task that the first one began.
pub(crate) static RETRY: Verb = post("retry", "/tasks/*/retry").once();
// A second run would count only what the first one left.
pub(crate) static CANCEL_MATCHING: Verb = post("cancel", "/tasks/cancel").once();
pub(crate) static RETRY_MATCHING: Verb = post("retry", "/tasks/retry").once();

pub(crate) static BATCHES: Verb = get("batches", "/batches");
pub(crate) static BATCH: Verb = get("batch", "/batches/*");
pub(crate) static SUBMIT_BATCH: Verb = post("submit_batch", "/batches");
// A second run leaves one more that is never sealed, and so forgotten.
pub(crate) static OPEN_BATCH: Verb = post("open_batch", "/batches?open=true");
pub(crate) static EXTEND_BATCH: Verb = by("PUT", "extend_batch", "/batches/*/chunks/*");
pub(crate) static SEAL_BATCH: Verb = post("seal_batch", "/batches/*/seal");
pub(crate) static CANCEL_BATCH: Verb = post("cancel_batch", "/batches/*/cancel");

pub(crate) static PIPELINES: Verb = get("pipelines", "/pipelines");
pub(crate) static PIPELINE: Verb = get("pipeline", "/pipelines/*");
pub(crate) static SUBMIT_PIPELINE: Verb = post("submit_pipeline", "/pipelines");
pub(crate) static CANCEL_PIPELINE: Verb = post("cancel_pipeline", "/pipelines/*/cancel");
// A second run would find the stages that the first one began.
pub(crate) static RETRY_PIPELINE: Verb = post("retry_pipeline", "/pipelines/*/retry").once();

pub(crate) static BLOCK: Verb = get("block", "/parallel/*");
pub(crate) static SUBMIT_BLOCK: Verb = post("submit_block", "/parallel/execute");
pub(crate) static EXECUTE_BLOCK: Verb = post("execute a block", "/parallel/execute");

pub(crate) static STATE: Verb = get("state", "/states/*");
pub(crate) static QUEUES: Verb = get("queues", "/queues");
pub(crate) static PAUSE: Verb = post("pause", "/queues/*/pause");
pub(crate) static RESUME: Verb = post("resume", "/queues/*/resume");

// Not repeated: what a lost answer leased comes back when its leases have run out.
pub(crate) static LEASE: Verb = post("lease", "/leases").once();
pub(crate) static RENEW: Verb = post("renew", "/leases/renew");
// A worker whose page goes away gives back what it had, and says that it leaves.
pub(crate) static SETTLE: Verb = post("settle", "/leases/settle").outlives();
pub(crate) static WORKERS: Verb = get("workers", "/workers");
pub(crate) static ANNOUNCE: Verb = post("announce", "/workers");
// A worker waits for its answer only for a moment.
pub(crate) static LEAVE: Verb = post("leave", "/workers/*/leave").once().outlives();
pub(crate) static FORGET: Verb = by("DELETE", "forget", "/workers/*");

pub(crate) static SWEEP: Verb = post("sweep", "/sweep");
pub(crate) static CLUSTER_HEALTH: Verb = get("cluster_health", "/cluster/health");
pub(crate) static HEALTH: Verb = get("ask for its health", "/health");
pub(crate) static READY: Verb = get("ask whether it is ready", "/health/ready");

const fn by(method: &'static str, name: &'static str, path: &'static str) -> Verb {
    Verb { name, method, path, repeatable: true, outlives: false }
}

const fn get(name: &'static str, path: &'static str) -> Verb {
    by("GET", name, path)
}

const fn post(name: &'static str, path: &'static str) -> Verb {
    by("POST", name, path)
}

impl Verb {
    const fn once(self) -> Self {
        Self { repeatable: false, ..self }
    }

    const fn outlives(self) -> Self {
        Self { outlives: true, ..self }
    }

    /// A call of it, without a body.
    pub(crate) fn call(&'static self) -> Call {
        self.of(&[])
    }

    /// The same, with the parts of its path: each is a segment as it stands in a URL.
    pub(crate) fn of(&'static self, parts: &[&str]) -> Call {
        debug_assert_eq!(
            parts.len(),
            self.path.matches('*').count(),
            "parts of the path of {:?}",
            self.name
        );
        let mut pieces = self.path.split('*');
        let mut path = pieces.next().unwrap_or_default().to_owned();
        for (part, piece) in parts.iter().zip(pieces) {
            path.push_str(part);
            path.push_str(piece);
        }
        Call::new(self, path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_stand_where_the_path_has_room_for_them() {
        assert_eq!(LIST.call().path, "/tasks");
        assert_eq!(CANCEL.of(&["x"]).path, "/tasks/x/cancel");
        assert_eq!(UPSTREAM.of(&["x", "a%20b"]).path, "/tasks/x/upstream/a%20b");
        assert_eq!(EVENTS.of(&["x", "7"]).path, "/tasks/x/events?after=7");
        assert!(CANCEL.of(&["x"]).repeatable && !RETRY.of(&["x"]).repeatable);
    }

    #[test]
    #[cfg(debug_assertions)]
    #[should_panic = "parts of the path of \"cancel\""]
    fn a_call_names_every_part_of_its_path() {
        CANCEL.call();
    }

    #[test]
    fn what_a_worker_says_last_outlives_its_page() {
        let state = STATE.of(&["leave"]);
        assert!(state.path.ends_with("/leave") && !state.verb.outlives);
        assert!(LEAVE.of(&["w"]).verb.outlives && SETTLE.call().verb.outlives);
        assert!(!LEASE.call().verb.outlives && !ANNOUNCE.call().verb.outlives);
    }
}
