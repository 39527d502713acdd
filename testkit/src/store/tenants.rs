//! No method shows one tenant another's tasks.

use std::time::Duration;

use windlass_core::engine::{self, transition::Guard};
use windlass_core::store::{Applied, EnqueueGroup, LeaseOrder};
use windlass_core::{Filter, Page, Renewal, Renewed, TaskId, TaskStatus};

use super::bench::{Bench, TENANT, completion, heartbeat};

super::cases![
    reads_show_nothing_of_another,
    a_page_never_names_another_tenants_task,
    foreign_rows_do_not_shorten_a_page,
    a_lease_takes_only_its_own,
    writes_do_not_reach_another,
    ahead_counts_only_its_own,
];

fn others(bench: &Bench, count: usize) -> Vec<TaskId> {
    let tasks: Vec<_> = (0..count).map(|_| bench.new_task_of("other", bench.spec())).collect();
    let ids = tasks.iter().map(|task| task.task_id).collect();
    let group = EnqueueGroup { tenant: "other".to_owned(), tasks, depth_limit: None };
    bench.enqueue(vec![group]).remove(0).unwrap();
    ids
}

fn reads_show_nothing_of_another(bench: &Bench) {
    let theirs = others(bench, 3);
    assert_eq!(bench.find(TENANT, theirs[0]), None);
    assert_eq!(bench.total(TENANT), 0);
    assert_eq!(bench.run(bench.store.updates(TENANT, theirs[0], 0, 10)).unwrap(), None);
    let page = bench.run(bench.store.list(TENANT, Filter::default(), None, 10)).unwrap();
    assert_eq!(page, Page::default());
}

fn a_page_never_names_another_tenants_task(bench: &Bench) {
    let mut mine = Vec::new();
    let mut theirs = Vec::new();
    for _ in 0..10 {
        mine.push(bench.add(bench.spec()));
        theirs.extend(others(bench, 2));
    }
    for limit in [1, 2, 3, 10] {
        let mut cursor = None;
        loop {
            let page =
                bench.run(bench.store.list(TENANT, Filter::default(), cursor, limit)).unwrap();
            assert!(page.tasks.iter().all(|task| task.tenant == TENANT));
            let Some(next) = page.next else { break };
            assert!(!theirs.contains(&next.after), "the cursor holds a foreign id");
            cursor = Some(next);
        }
    }
}

fn foreign_rows_do_not_shorten_a_page(bench: &Bench) {
    let mine = bench.add(bench.spec());
    for _ in 0..5 {
        others(bench, 2_500);
    }
    let page = bench.run(bench.store.list(TENANT, Filter::default(), None, 10)).unwrap();
    assert_eq!(page.tasks.len(), 1, "how many tasks others have must not show");
    assert_eq!(page.tasks[0].task_id, mine);
}

fn a_lease_takes_only_its_own(bench: &Bench) {
    others(bench, 3);
    assert!(bench.lease(10).is_empty());
    let mine = bench.add(bench.spec());
    let leased = bench.lease(10);
    assert_eq!(leased.len(), 1);
    assert_eq!(leased[0].task.task_id, mine);
}

fn writes_do_not_reach_another(bench: &Bench) {
    let id = others(bench, 1)[0];
    let order = LeaseOrder {
        tenant: "other".to_owned(),
        request: bench.request(1),
        token: bench.ids.token(),
    };
    let leased = bench.run(bench.store.lease(order)).unwrap().tasks.remove(0);
    let before = bench.find("other", id).unwrap();
    // The token alone is no right: the tenant must be the task's.
    let beat = Renewal { extend: Some(Duration::from_secs(600)), ..heartbeat(&leased) };
    assert_eq!(bench.renew(beat), Renewed::Lost);
    let mut foreign = completion(&leased);
    foreign.tenant = TENANT.to_owned();
    let mut cancel = engine::cancel::decide(&before).unwrap();
    cancel.tenant = TENANT.to_owned();
    cancel.guard = Guard::Version(before.version);
    assert_eq!(bench.apply(vec![foreign, cancel]), [Applied::Missing, Applied::Missing]);
    assert_eq!(bench.find("other", id).unwrap(), before);
    assert_eq!(before.status, TaskStatus::Running);
}

fn ahead_counts_only_its_own(bench: &Bench) {
    others(bench, 5);
    let task = bench.task(bench.add(bench.spec()));
    assert_eq!(bench.run(bench.store.ahead(&task, 100)).unwrap(), 0);
}
