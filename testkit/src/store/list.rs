//! Listing.

use std::time::Duration;

use windlass_core::{
    Cursor, Filter, Labels, LeaseRequest, Page, Priority, TaskId, TaskSpec, TaskStatus,
};

use super::bench::{Bench, TENANT};

super::cases![
    newest_first_and_every_task_once,
    each_filter_restricts_and_all_must_hold,
    a_walk_with_a_filter_reaches_the_end,
    text_is_compared_byte_for_byte,
    every_status_can_be_asked_for_when_many_have_it,
    what_is_stored_during_a_walk_does_not_disturb_it,
    a_task_that_changes_during_a_walk_is_told_once,
    since_also_finds_a_task_whose_id_is_older_than_its_row,
    until_ends_before_its_instant_whatever_the_ids_say,
    rare_tasks_are_found_among_many_by_every_way_to_name_them,
    ids_are_those_of_the_list,
    a_cursor_below_everything_ends,
    a_page_that_is_full_at_the_end_may_only_be_followed_by_nothing,
];

fn page(bench: &Bench, filter: &Filter, cursor: Option<Cursor>, limit: u32) -> Page {
    let page = bench.run(bench.store.list(TENANT, filter.clone(), cursor, limit)).unwrap();
    assert!(page.tasks.len() <= limit as usize);
    page
}

/// Ids of a walk to the end.
fn walk(bench: &Bench, filter: &Filter, limit: u32) -> Vec<TaskId> {
    let (mut ids, mut cursor) = (Vec::new(), None);
    for _ in 0..10_000 {
        let page = page(bench, filter, cursor, limit);
        ids.extend(page.tasks.iter().map(|task| task.task_id));
        match page.next {
            // The text is what travels.
            Some(next) => cursor = Some(next.to_string().parse().unwrap()),
            None => return ids,
        }
    }
    panic!("the walk never ends")
}

fn reversed(ids: &[TaskId]) -> Vec<TaskId> {
    ids.iter().rev().copied().collect()
}

fn newest_first_and_every_task_once(bench: &Bench) {
    let ids: Vec<TaskId> = (0..23)
        .map(|i| {
            bench.advance(if i % 3 == 0 { 0.001 } else { 0.0 });
            // Order of lists has nothing to do with order of leases.
            bench.add(bench.spec().priority(Priority::ALL[i % 5]))
        })
        .collect();
    for limit in [1, 3, 23, 24, 1000] {
        assert_eq!(walk(bench, &Filter::default(), limit), reversed(&ids), "limit {limit}");
    }
    let whole = page(bench, &Filter::default(), None, 5);
    assert_eq!(whole.tasks[0], bench.task(ids[22]), "rows are whole");
}

fn each_filter_restricts_and_all_must_hold(bench: &Bench) {
    let batch = bench.ids.batch(bench.now());
    let start = bench.now();
    let mut specs: Vec<TaskSpec> = (0..6).map(|_| bench.spec()).collect();
    specs[0] = specs[0].clone().queue("q2").label("env", "test").label("n", "1");
    specs[1] = specs[1].clone().label("env", "test");
    specs[2].task_type = "other".to_owned();
    specs[3] = specs[3].clone().delay(Duration::from_secs(60));
    let mut group = bench.group(specs);
    group.tasks[4].batch_id = Some(batch);
    let ids: Vec<_> = group.tasks.iter().map(|task| task.task_id).collect();
    bench.enqueue(vec![group]).remove(0).unwrap();
    let leased = bench.lease(1).remove(0);
    assert_eq!(leased.task.task_id, ids[1]);
    bench.fail(&leased, "disk on fire (100%_full)");
    bench.advance(5.0);
    let late = bench.add(bench.spec());

    let labels = |pairs: &[(&str, &str)]| -> Labels {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    };
    let some = |text: &str| Some(text.to_owned());
    let f = Filter::default;
    let table: Vec<(Filter, Vec<TaskId>)> = vec![
        (Filter { queue: some("q2"), ..f() }, vec![ids[0]]),
        (Filter { task_type: some("other"), ..f() }, vec![ids[2]]),
        (Filter { status: vec![TaskStatus::Scheduled], ..f() }, vec![ids[3]]),
        (
            Filter { status: vec![TaskStatus::Failed, TaskStatus::Scheduled], ..f() },
            vec![ids[3], ids[1]],
        ),
        (Filter { labels: labels(&[("env", "test")]), ..f() }, vec![ids[1], ids[0]]),
        (Filter { labels: labels(&[("env", "test"), ("n", "1")]), ..f() }, vec![ids[0]]),
        (Filter { labels: labels(&[("env", "prod")]), ..f() }, vec![]),
        (Filter { batch_id: Some(batch), ..f() }, vec![ids[4]]),
        (Filter { since: Some(bench.now()), ..f() }, vec![late]),
        (Filter { since: Some(start), ..f() }, reversed(&[ids.clone(), vec![late]].concat())),
        (Filter { since: Some(bench.now().after(Duration::from_millis(1))), ..f() }, vec![]),
        (Filter { error: some("on fire"), ..f() }, vec![ids[1]]),
        (Filter { error: some("0%_f"), ..f() }, vec![ids[1]]),
        (Filter { error: some("ON FIRE"), ..f() }, vec![]),
        (Filter { error: some("0%f"), ..f() }, vec![]),
        (
            Filter {
                status: vec![TaskStatus::Failed],
                labels: labels(&[("env", "test")]),
                queue: some("default"),
                error: some("disk"),
                ..f()
            },
            vec![ids[1]],
        ),
        (Filter { queue: some("q2"), status: vec![TaskStatus::Failed], ..f() }, vec![]),
    ];
    for (filter, want) in table {
        for limit in [1, 2, 100] {
            assert_eq!(walk(bench, &filter, limit), want, "{filter:?}, limit {limit}");
        }
    }
}

fn a_walk_with_a_filter_reaches_the_end(bench: &Bench) {
    // More rows than one page may look at, with the match at the far end.
    let first = bench.add(bench.spec().queue("rare"));
    for _ in 0..5 {
        bench.store_all((0..2_500).map(|_| bench.spec()).collect());
    }
    let last = bench.add(bench.spec().queue("rare"));
    let filter = Filter { queue: Some("rare".to_owned()), ..Filter::default() };
    assert_eq!(walk(bench, &filter, 10), [last, first]);
    let filter = Filter { error: Some("no such".to_owned()), ..Filter::default() };
    assert!(walk(bench, &filter, 10).is_empty());
}

fn text_is_compared_byte_for_byte(bench: &Bench) {
    let values = ["v", "V", "v ", "v\0", "\u{e9}", "e\u{301}", "%", ""];
    let specs =
        values.map(|value| bench.spec().label("a", value).label(value.repeat(2) + "k", "x"));
    let ids = bench.store_all(specs.to_vec());
    for (value, id) in values.iter().zip(ids) {
        let labels = Labels::from([("a".to_owned(), (*value).to_owned())]);
        let found = walk(bench, &Filter { labels, ..Filter::default() }, 3);
        assert_eq!(found, [id], "{value:?}");
        let labels = Labels::from([(value.repeat(2) + "k", "x".to_owned())]);
        assert_eq!(walk(bench, &Filter { labels, ..Filter::default() }, 3), [id], "{value:?}");
    }
    for (queue, other) in [("q", "Q"), ("q ", "q")] {
        bench.add(bench.spec().queue(queue));
        let filter = Filter { queue: Some(other.to_owned()), ..Filter::default() };
        assert!(walk(bench, &filter, 3).iter().all(|id| bench.task(*id).queue == other));
    }
}

fn every_status_can_be_asked_for_when_many_have_it(bench: &Bench) {
    // A store may walk another way for a status that many tasks have.
    let many = 6_000;
    for _ in 0..many / 1_000 {
        bench.store_all((0..1_000).map(|_| bench.spec()).collect());
        bench.store_all((0..10).map(|_| bench.spec().delay(Duration::from_secs(60))).collect());
    }
    for leased in bench.lease(7) {
        bench.complete(&leased);
    }
    let asked = |status: Vec<TaskStatus>| Filter { status, ..Filter::default() };
    let count = |status: Vec<TaskStatus>| walk(bench, &asked(status), 1000).len();
    assert_eq!(count(vec![TaskStatus::Pending]), many - 7);
    assert_eq!(count(vec![TaskStatus::Scheduled]), 60);
    assert_eq!(count(vec![TaskStatus::Completed]), 7);
    assert_eq!(count(vec![TaskStatus::Completed, TaskStatus::Scheduled]), 67);
    assert_eq!(count(vec![TaskStatus::Blocked, TaskStatus::Running]), 0);
}

fn what_is_stored_during_a_walk_does_not_disturb_it(bench: &Bench) {
    let ids = bench.store_all((0..10).map(|_| bench.spec()).collect());
    let first = page(bench, &Filter::default(), None, 4);
    bench.store_all((0..10).map(|_| bench.spec()).collect());
    let second = page(bench, &Filter::default(), first.next, 100);
    let told: Vec<_> = first.tasks.iter().chain(&second.tasks).map(|task| task.task_id).collect();
    assert_eq!(told, reversed(&ids));
}

fn a_task_that_changes_during_a_walk_is_told_once(bench: &Bench) {
    let ids = bench.store_all((0..6).map(|_| bench.spec()).collect());
    let first = page(bench, &Filter::default(), None, 3);
    for leased in bench.lease(6) {
        bench.complete(&leased);
    }
    let second = page(bench, &Filter::default(), first.next, 3);
    let told: Vec<_> = second.tasks.iter().map(|task| (task.task_id, task.status)).collect();
    let want = [ids[2], ids[1], ids[0]].map(|id| (id, TaskStatus::Completed));
    assert_eq!(told, want);
}

fn since_also_finds_a_task_whose_id_is_older_than_its_row(bench: &Bench) {
    // A submit that waited, for its turn or for room in its queue, is stored later than its id tells.
    let group = bench.group(vec![bench.spec()]);
    bench.advance(20.0);
    let since = bench.now();
    let id = bench.enqueue(vec![group]).remove(0).unwrap()[0].task_id;
    assert_eq!(bench.task(id).created_at, since);
    let filter = Filter { since: Some(since), ..Filter::default() };
    assert_eq!(walk(bench, &filter, 10), [id]);
}

fn until_ends_before_its_instant_whatever_the_ids_say(bench: &Bench) {
    let first = bench.add(bench.spec());
    let late = bench.group(vec![bench.spec()]);
    bench.advance(20.0);
    let until = bench.now();
    // Its id is older than the instant, its row is not.
    bench.enqueue(vec![late]).remove(0).unwrap();
    let filter = |until| Filter { until: Some(until), ..Filter::default() };
    assert_eq!(walk(bench, &filter(until), 10), [first]);
    let after = until.after(Duration::from_millis(1));
    assert_eq!(walk(bench, &filter(after), 1).len(), 2);
    let both = Filter { since: Some(until), ..filter(until) };
    assert!(walk(bench, &both, 10).is_empty());
}

fn rare_tasks_are_found_among_many_by_every_way_to_name_them(bench: &Bench) {
    // Rare ones before, among and after many, in every status, which stores may find by different ways.
    let rare = |bench: &Bench| {
        let mut spec = bench.spec().queue("rare").label("rare", "yes").label("all", "yes");
        spec.task_type = "rare".to_owned();
        spec
    };
    let lease = |bench: &Bench| {
        let names = || vec!["rare".to_owned()];
        let request = LeaseRequest { queues: names(), handlers: names(), ..bench.request(1) };
        bench.lease_by(request).tasks.remove(0)
    };
    let mut ids = Vec::new();
    for round in 0..4 {
        bench.store_all((0..1_500).map(|_| bench.spec().label("all", "yes")).collect());
        ids.push(bench.add(rare(bench)));
        match round {
            0 => drop(bench.complete(&lease(bench))),
            1 => drop(bench.fail(&lease(bench), "odd")),
            2 => drop(lease(bench)),
            _ => ids.push(bench.add(rare(bench).delay(Duration::from_secs(60)))),
        }
    }
    let some = |text: &str| Some(text.to_owned());
    let label = |key: &str| (key.to_owned(), "yes".to_owned());
    let f = Filter::default;
    let own = reversed(&ids);
    let table: Vec<(Filter, Vec<TaskId>)> = vec![
        (Filter { queue: some("rare"), ..f() }, own.clone()),
        (Filter { task_type: some("rare"), ..f() }, own.clone()),
        (Filter { task_type: some("rare"), queue: some("rare"), ..f() }, own.clone()),
        (Filter { task_type: some("rare"), queue: some("default"), ..f() }, vec![]),
        (Filter { labels: [label("rare")].into(), ..f() }, own.clone()),
        (Filter { labels: [label("rare"), label("all")].into(), ..f() }, own.clone()),
        (Filter { labels: [label("all")].into(), queue: some("rare"), ..f() }, own),
        (Filter { error: some("odd"), ..f() }, vec![ids[1]]),
        (Filter { status: vec![TaskStatus::Completed], ..f() }, vec![ids[0]]),
        (Filter { status: vec![TaskStatus::Running], queue: some("rare"), ..f() }, vec![ids[2]]),
        (
            Filter { status: vec![TaskStatus::Pending], task_type: some("rare"), ..f() },
            vec![ids[3]],
        ),
        (
            Filter {
                status: vec![TaskStatus::Completed, TaskStatus::Scheduled, TaskStatus::Failed],
                task_type: some("rare"),
                ..f()
            },
            vec![ids[4], ids[1], ids[0]],
        ),
    ];
    for (filter, want) in table {
        for limit in [1, 100] {
            assert_eq!(walk(bench, &filter, limit), want, "{filter:?}, limit {limit}");
        }
    }
}

fn ids_are_those_of_the_list(bench: &Bench) {
    let ids = bench.store_all((0..25).map(|_| bench.spec().label("n", "1")).collect());
    bench.add(bench.spec());
    let filter = Filter { labels: [("n".to_owned(), "1".to_owned())].into(), ..Filter::default() };
    for limit in [1, 7, 100] {
        let (mut found, mut cursor) = (Vec::new(), None);
        loop {
            let look = bench.run(bench.store.find(TENANT, filter.clone(), cursor, limit)).unwrap();
            assert!(look.ids.len() <= limit as usize);
            found.extend(look.ids);
            cursor = look.next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(found, reversed(&ids), "limit {limit}");
    }
    let other = bench.run(bench.store.find("other", filter, None, 10)).unwrap();
    assert!(other.ids.is_empty(), "another tenant's");
}

fn a_cursor_below_everything_ends(bench: &Bench) {
    let below = Cursor { after: TaskId::from_bytes([0; 16]) };
    bench.add(bench.spec());
    assert_eq!(page(bench, &Filter::default(), Some(below), 10), Page::default());
    let since = Filter { since: Some(bench.now()), ..Filter::default() };
    assert_eq!(page(bench, &since, Some(below), 10), Page::default());
}

fn a_page_that_is_full_at_the_end_may_only_be_followed_by_nothing(bench: &Bench) {
    bench.store_all((0..4).map(|_| bench.spec()).collect());
    let first = page(bench, &Filter::default(), None, 4);
    assert_eq!(first.tasks.len(), 4);
    if let Some(next) = first.next {
        assert_eq!(page(bench, &Filter::default(), Some(next), 4), Page::default());
    }
}
