//! Groups large enough to be stored many rows at a time: each task comes back as it does from memory.

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::{TENANT, run};
use windlass_core::engine::submit::{self, NewTask};
use windlass_core::rules::ids::IdSource;
use windlass_core::store::EnqueueGroup;
use windlass_core::{
    Clock, ManualClock, MemoryStore, Payload, Priority, RetryOptions, Store, TaskSpec,
};
use windlass_sqlite::{Options, SqliteStore};

const SIZE: usize = 45;

struct Stores {
    clock: Arc<ManualClock>,
    ids: IdSource,
    memory: MemoryStore,
    sqlite: SqliteStore,
    _folder: tempfile::TempDir,
}

fn stores() -> Stores {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::default());
    let options = Options { clock: clock.clone(), ..Options::default() };
    Stores {
        ids: IdSource::default(),
        memory: MemoryStore::new(clock.clone()),
        sqlite: SqliteStore::open(&folder.path().join("tasks.db"), options).unwrap(),
        clock,
        _folder: folder,
    }
}

impl Stores {
    fn task(&self, number: usize, change: &dyn Fn(TaskSpec) -> TaskSpec) -> NewTask {
        let payload = Payload::new("payload", format!("{{\"n\":{number}}}")).unwrap();
        let spec = change(TaskSpec::new("work", payload));
        submit::decide(spec, TENANT, self.ids.task(self.clock.now()), None).unwrap()
    }

    /// Stores the tasks in both and compares what comes back.
    fn check(&self, what: &str, tasks: Vec<NewTask>) {
        let ids: Vec<_> = tasks.iter().map(|new| new.task_id).collect();
        let group = EnqueueGroup { tenant: TENANT.to_owned(), tasks, depth_limit: None };
        run(async {
            let memory = self.memory.enqueue(vec![group.clone()]).await.unwrap().remove(0).unwrap();
            let sqlite = self.sqlite.enqueue(vec![group]).await.unwrap().remove(0).unwrap();
            assert_eq!(sqlite, memory, "{what}");
            let memory = self.memory.get(TENANT, ids.clone()).await.unwrap();
            assert!(memory.iter().all(Option::is_some), "{what}");
            assert_eq!(self.sqlite.get(TENANT, ids).await.unwrap(), memory, "{what}");
            let counts = self.memory.counts(TENANT).await.unwrap();
            assert_eq!(self.sqlite.counts(TENANT).await.unwrap(), counts, "{what}");
        });
    }
}

#[test]
fn tasks_that_are_alike_or_not_come_back_as_they_were_given() {
    let stores = stores();
    let long = Payload::new("payload", format!("\"{}\"", "y".repeat(5000))).unwrap();
    let now = stores.clock.now();
    let changes: [(&str, &dyn Fn(TaskSpec) -> TaskSpec); 16] = [
        ("nothing", &|spec| spec),
        ("type", &|spec| TaskSpec { task_type: "other".to_owned(), ..spec }),
        ("queue", &|spec| spec.queue("mail")),
        ("priority", &|spec| spec.priority(Priority::High)),
        ("delay", &|spec| spec.delay(Duration::from_secs(5))),
        ("run_at", &|spec| spec.run_at(now.after(Duration::from_secs(7)))),
        ("timeout", &|spec| spec.timeout(Duration::from_millis(1500))),
        ("max_retries", &|spec| spec.max_retries(7)),
        ("retry", &|spec| {
            spec.retry(RetryOptions { jitter: Some(0.5), ..RetryOptions::default() })
        }),
        ("label", &|spec| spec.label("env", "test")),
        ("metadata", &|spec| TaskSpec { metadata: Some(Payload::trusted("{}")), ..spec }),
        ("traceparent", &|spec| TaskSpec { traceparent: Some("00-aa".to_owned()), ..spec }),
        ("state_key", &|spec| TaskSpec { state_key: Some("user".to_owned()), ..spec }),
        ("initial_state", &|spec| TaskSpec { initial_state: Some(Payload::null()), ..spec }),
        ("handler", &|spec| TaskSpec {
            task_type: "stateless".to_owned(),
            payload: Payload::trusted("{\"function\":\"f\"}"),
            ..spec
        }),
        ("long payload", &|spec| TaskSpec { payload: long.clone(), ..spec }),
    ];
    for (name, change) in changes {
        let all = (0..SIZE).map(|n| stores.task(n, change)).collect();
        stores.check(&format!("{name} in all"), all);
        for odd in [0, 19, 20, SIZE - 1] {
            let plain: &dyn Fn(TaskSpec) -> TaskSpec = &|spec| spec;
            let one = |n| stores.task(n, if n == odd { change } else { plain });
            stores.check(&format!("{name} in {odd}"), (0..SIZE).map(one).collect());
        }
    }
}

#[test]
fn a_group_that_fails_on_its_way_leaves_nothing_and_harms_no_other() {
    let stores = stores();
    let group = |tasks| EnqueueGroup { tenant: TENANT.to_owned(), tasks, depth_limit: None };
    let tasks = || (0..SIZE).map(|n| stores.task(n, &|spec| spec)).collect::<Vec<_>>();
    let (good, mut bad) = (tasks(), tasks());
    // An id twice, within one statement and beyond the first.
    bad[30].task_id = bad[25].task_id;
    let ids = |tasks: &[NewTask]| tasks.iter().map(|new| new.task_id).collect::<Vec<_>>();
    let (good_ids, bad_ids) = (ids(&good), ids(&bad));
    run(async {
        let answers = stores.sqlite.enqueue(vec![group(bad), group(good)]).await.unwrap();
        assert!(answers[0].is_err());
        assert_eq!(answers[1].as_ref().unwrap().len(), SIZE);
        let bad = stores.sqlite.get(TENANT, bad_ids).await.unwrap();
        assert!(bad.iter().all(Option::is_none));
        let good = stores.sqlite.get(TENANT, good_ids).await.unwrap();
        assert!(good.iter().all(Option::is_some));
        let counts = stores.sqlite.counts(TENANT).await.unwrap();
        assert_eq!(counts.iter().map(|one| one.count).sum::<u64>(), SIZE as u64);
    });
}
