//! Executors driven by a host made of seeded chance.

use std::time::Duration;

use super::*;
use crate::error::{Error, Result};
use crate::words::Priority;

fn millis(number: u64) -> Duration {
    Duration::from_millis(number)
}

fn entry(task_id: &str, dependencies: &[&str]) -> Entry {
    Entry {
        task_id: task_id.to_owned(),
        priority: Priority::Normal,
        dependencies: dependencies.iter().map(|name| (*name).to_owned()).collect(),
        memory_mb: 0.0,
        timeout: None,
        estimate: None,
    }
}

fn bounds(min_workers: u32, max_workers: u32) -> Bounds {
    Bounds { min_workers, max_workers, cores: 2, memory_limit_mb: None }
}

fn executor(max_workers: u32, entries: Vec<Entry>) -> Dynamic {
    let mut dynamic = Dynamic::new(bounds(1, max_workers)).unwrap();
    dynamic.add(Duration::ZERO, entries).unwrap();
    dynamic
}

/// SplitMix64: the same seed, the same run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % limit as u64) as usize
    }
}

// DYN-09
#[test]
fn every_order_keeps_dependencies_priorities_memory_and_the_bounds() {
    for seed in 0..1_500 {
        let mut chance = Chance(seed);
        let total = 1 + chance.below(30);
        let (min, max) = (1 + chance.below(3), 4 + chance.below(5));
        let limit = 1_000.0;
        let failing = [0, 20, 100][chance.below(3)];
        let mut entries: Vec<Entry> = Vec::new();
        for place in 0..total {
            let mut one = entry(&format!("t{place}"), &[]);
            for other in 0..place {
                if chance.below(8) == 0 {
                    one.dependencies.push(format!("t{other}"));
                }
            }
            one.priority = Priority::ALL[chance.below(5)];
            one.memory_mb = [0.0, 100.0, 333.3, 700.0, 1_000.0][chance.below(5)];
            entries.push(one);
        }
        let all = Bounds { memory_limit_mb: Some(limit), ..bounds(min as u32, max as u32) };
        let mut dynamic = Dynamic::new(all).unwrap();
        // In two parts: the second may depend on what already ended.
        let cut = chance.below(total + 1);
        let mut parts = [entries[..cut].to_vec(), entries[cut..].to_vec()].into_iter();
        dynamic.add(Duration::ZERO, parts.next().unwrap()).unwrap();

        let mut outcome: Vec<Option<Finish>> = vec![None; total];
        let mut running: Vec<u32> = Vec::new();
        let mut ended = Vec::new();
        let mut now = Duration::ZERO;
        loop {
            let plan = dynamic.step(now, &ended).unwrap();
            ended.clear();
            assert!((min as u32..=max as u32).contains(&plan.workers), "seed {seed}");
            for place in plan.cancelled {
                assert!(outcome[place as usize].replace(Finish::Cancelled).is_none());
                let upstream = &entries[place as usize].dependencies;
                assert!(upstream.iter().any(|name| {
                    let at: usize = name[1..].parse().unwrap();
                    matches!(outcome[at], Some(Finish::Failed | Finish::Cancelled))
                }));
            }
            let mut last = None;
            // A pool that shrinks interrupts nobody: only what starts keeps to its size.
            let starts = !plan.start.is_empty();
            for place in plan.start {
                for name in &entries[place as usize].dependencies {
                    let at: usize = name[1..].parse().unwrap();
                    assert_eq!(outcome[at], Some(Finish::Completed), "seed {seed}");
                }
                let rank = (entries[place as usize].priority, place);
                assert!(last.replace(rank).is_none_or(|before| before < rank), "seed {seed}");
                running.push(place);
            }
            assert!(!starts || running.len() <= plan.workers as usize, "seed {seed}");
            let needed: f64 = running.iter().map(|at| entries[*at as usize].memory_mb).sum();
            assert!(needed <= limit + 1e-6, "seed {seed}: {needed}");
            if plan.open == 0 {
                match parts.next() {
                    Some(part) => {
                        dynamic.add(now, part).unwrap();
                        continue;
                    }
                    None => break,
                }
            }
            assert!(!running.is_empty(), "seed {seed}: open tasks and nothing runs");
            now += millis(chance.below(700) as u64);
            for _ in 0..=chance.below(3) {
                if running.is_empty() {
                    break;
                }
                let place = running.swap_remove(chance.below(running.len()));
                let failed = chance.below(100) < failing;
                let finish = if failed { Finish::Failed } else { Finish::Completed };
                outcome[place as usize] = Some(finish);
                ended.push((place, finish));
            }
            if chance.below(3) == 0 {
                let share = chance.below(101) as f64 / 100.0;
                dynamic.measured(Some(share), Some(0.5), 1 << 20);
            }
        }
        assert!(outcome.iter().all(Option::is_some), "seed {seed}");
        let metrics = dynamic.metrics(now);
        let count = |finish| outcome.iter().filter(|one| **one == Some(finish)).count() as u32;
        assert_eq!(metrics.total, total as u32);
        assert_eq!(metrics.completed, count(Finish::Completed));
        assert_eq!(metrics.failed, count(Finish::Failed));
        assert_eq!(metrics.cancelled, count(Finish::Cancelled));
        assert_eq!((metrics.running, metrics.waiting), (0, 0));
        assert!((0.0..=1.0).contains(&metrics.utilisation), "seed {seed}: {metrics:?}");
        assert!(metrics.peak_reserved_mb <= limit + 1e-6);
    }
}

// DYN-08
#[test]
fn urgent_tasks_start_first_and_equal_ones_in_order() {
    let with = |name: &str, priority| Entry { priority, ..entry(name, &[]) };
    let entries = vec![
        with("a", Priority::Background),
        with("b", Priority::Normal),
        with("c", Priority::Critical),
        with("d", Priority::Normal),
    ];
    let mut dynamic = executor(1, entries);
    let mut order = Vec::new();
    let mut ended = Vec::new();
    while let [place] = dynamic.step(Duration::ZERO, &ended).unwrap().start[..] {
        order.push(place);
        ended = vec![(place, Finish::Completed)];
    }
    assert_eq!(order, [2, 1, 3, 0]);
}

#[test]
fn a_task_out_of_time_fails_and_frees_its_worker_but_not_its_memory() {
    let mut long = Entry { timeout: Some(millis(300)), memory_mb: 80.0, ..entry("long", &[]) };
    long.priority = Priority::High;
    let next = Entry { memory_mb: 10.0, ..entry("next", &[]) };
    let large = Entry { memory_mb: 50.0, ..entry("large", &[]) };
    let limits = Bounds { memory_limit_mb: Some(100.0), ..bounds(1, 1) };
    let mut dynamic = Dynamic::new(limits).unwrap();
    let after = entry("after", &["long"]);
    dynamic.add(Duration::ZERO, vec![long, next, large, after]).unwrap();
    let plan = dynamic.step(Duration::ZERO, &[]).unwrap();
    assert_eq!((plan.start, plan.wake), (vec![0], Some(millis(300))));
    let plan = dynamic.step(millis(300), &[]).unwrap();
    assert_eq!((plan.timed_out, plan.cancelled, plan.start), (vec![0], vec![3], vec![1]));
    let plan = dynamic.step(millis(400), &[(1, Finish::Completed)]).unwrap();
    assert_eq!(plan.start, [0; 0], "80 and 50 of 100 MiB");
    let plan = dynamic.step(millis(900), &[(0, Finish::Completed)]).unwrap();
    assert_eq!((plan.start, plan.open), (vec![2], 1));
    dynamic.step(millis(950), &[(2, Finish::Completed)]).unwrap();
    let metrics = dynamic.metrics(millis(950));
    assert_eq!((metrics.completed, metrics.failed, metrics.timed_out), (2, 1, 1));
    assert!((metrics.memory_wait_seconds - 0.5).abs() < 1e-9);
}

// DYN-10
#[test]
fn a_pool_grows_at_once_and_shrinks_after_a_second() {
    let entries: Vec<Entry> = (0..6).map(|n| entry(&format!("t{n}"), &[])).collect();
    let mut dynamic = executor(4, entries);
    let plan = dynamic.step(Duration::ZERO, &[]).unwrap();
    assert_eq!((plan.workers, plan.start.len(), plan.wake), (4, 4, None));
    let done: Vec<(u32, Finish)> = (0..4).map(|place| (place, Finish::Completed)).collect();
    let plan = dynamic.step(millis(100), &done).unwrap();
    assert_eq!((plan.workers, plan.start, plan.wake), (4, vec![4, 5], Some(millis(1_100))));
    assert_eq!(dynamic.step(millis(1_099), &[]).unwrap().workers, 4);
    assert_eq!(dynamic.step(millis(1_100), &[]).unwrap().workers, 2);
    let done = [(4, Finish::Completed), (5, Finish::Completed)];
    let plan = dynamic.step(millis(1_200), &done).unwrap();
    assert_eq!((plan.workers, plan.open, plan.wake), (2, 0, Some(millis(2_200))));
    assert_eq!(dynamic.step(millis(2_200), &[]).unwrap().workers, 1);
}

#[test]
fn a_full_machine_lowers_the_ceiling_and_room_raises_it() {
    let entries: Vec<Entry> = (0..64).map(|n| entry(&format!("t{n}"), &[])).collect();
    let mut dynamic = executor(16, entries);
    let workers = |dynamic: &mut Dynamic| dynamic.step(Duration::ZERO, &[]).unwrap().workers;
    assert_eq!(workers(&mut dynamic), 16);
    let mut sizes = Vec::new();
    for _ in 0..8 {
        dynamic.measured(Some(0.95), None, 0);
        sizes.push(workers(&mut dynamic));
    }
    assert_eq!(sizes, [12, 9, 6, 4, 3, 2, 2, 2], "never below the cores");
    dynamic.measured(Some(0.8), None, 0);
    assert_eq!(workers(&mut dynamic), 2);
    dynamic.measured(Some(0.2), None, 0);
    assert_eq!(workers(&mut dynamic), 3);
    dynamic.measured(Some(0.2), Some(0.99), 0);
    dynamic.measured(Some(0.2), Some(0.99), 0);
    assert_eq!(workers(&mut dynamic), 1);
}

#[test]
fn a_cancelled_executor_drops_what_waits_and_tells_what_runs() {
    let mut dynamic = executor(1, vec![entry("a", &[]), entry("b", &["a"]), entry("c", &[])]);
    dynamic.step(Duration::ZERO, &[]).unwrap();
    assert_eq!(dynamic.cancel(Duration::ZERO), [0]);
    let plan = dynamic.step(Duration::ZERO, &[(0, Finish::Cancelled)]).unwrap();
    assert_eq!((plan.cancelled, plan.start, plan.open), (vec![1, 2], vec![], 0));
    assert_eq!(dynamic.metrics(Duration::ZERO).cancelled, 3);
}

// DYN-03, DYN-13
#[test]
fn metrics_are_what_was_measured() {
    let entries: Vec<Entry> = (0..20).map(|n| entry(&format!("t{n}"), &[])).collect();
    let mut dynamic = executor(2, entries);
    let mut ended: Vec<(u32, Finish)> = Vec::new();
    let mut now = Duration::ZERO;
    // Two at a time; pair n runs for n × 10 ms, from 10 to 100.
    for pair in 1..=10 {
        let plan = dynamic.step(now, &ended).unwrap();
        ended = plan.start.iter().map(|place| (*place, Finish::Completed)).collect();
        now += millis(pair * 10);
    }
    dynamic.measured(Some(0.4), None, 64 << 20);
    dynamic.step(now, &ended).unwrap();
    let metrics = dynamic.metrics(now + Duration::from_secs(60));
    assert_eq!((metrics.total, metrics.completed, metrics.peak_workers), (20, 20, 2));
    // 10 + 20 + … + 100 ms = 550 ms for 20 tasks of 55 ms on average; rank 19 of 20 ran 100 ms.
    assert!((metrics.wall_seconds - 0.55).abs() < 1e-9);
    assert!((metrics.throughput_per_second - 20.0 / 0.55).abs() < 1e-9);
    assert!((metrics.average_seconds - 0.055).abs() < 1e-9);
    assert!((metrics.p95_seconds - 0.1).abs() < 1e-9);
    assert!((metrics.utilisation - 1.0).abs() < 1e-9);
    assert!((metrics.longest_chain_seconds - 0.1).abs() < 1e-9);
    assert_eq!((metrics.peak_memory_mb, metrics.processors), (64.0, 0.4));
    // Pair n waited for all before it: (0 + 10 + 30 + … + 450) / 10 = 165 ms.
    assert!((metrics.average_wait_seconds - 0.165).abs() < 1e-9);
}

// DYN-04
#[test]
fn recommendations_come_from_the_run() {
    let quiet = Dynamic::new(bounds(1, 4)).unwrap();
    assert_eq!(quiet.recommendations(Duration::ZERO), [""; 0]);

    let entries: Vec<Entry> = (0..9).map(|n| entry(&format!("t{n}"), &[])).collect();
    let mut narrow = executor(1, entries);
    let mut now = Duration::ZERO;
    let mut plan = narrow.step(now, &[]).unwrap();
    while let [place] = plan.start[..] {
        now += millis(100);
        let finish = if place < 3 { Finish::Failed } else { Finish::Completed };
        narrow.measured(Some(0.1), None, 0);
        plan = narrow.step(now, &[(place, finish)]).unwrap();
    }
    let said = narrow.recommendations(now);
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].contains("3 of 9 tasks failed"), "{said:?}");
    assert!(said[1].contains("raise max_workers above 1"), "{said:?}");

    let estimated = |name: &str, on: &[&str]| {
        let estimate = Some(Duration::from_secs(30));
        Entry { estimate, ..entry(name, on) }
    };
    let mut chain = Dynamic::new(bounds(4, 4)).unwrap();
    let entries = vec![estimated("a", &[]), estimated("b", &["a"]), estimated("c", &["b"])];
    chain.add(Duration::ZERO, entries).unwrap();
    chain.step(Duration::ZERO, &[]).unwrap();
    for place in 0..3 {
        let now = millis(u64::from(place + 1) * 100);
        chain.step(now, &[(place, Finish::Completed)]).unwrap();
    }
    let said = chain.recommendations(millis(300));
    assert!(said[0].contains("one chain of dependencies took 300.0 ms of 300.0 ms"), "{said:?}");
    assert!(said[1].contains("0.00 times what estimated_duration says"), "{said:?}");
}

#[test]
fn bad_input_names_its_field_and_changes_nothing() {
    fn field<T: std::fmt::Debug>(result: Result<T>) -> String {
        match result {
            Err(Error::InvalidArgument { field, .. }) => field,
            other => panic!("expected invalid_argument, got {other:?}"),
        }
    }
    assert_eq!(field(Dynamic::new(bounds(0, 4))), "min_workers");
    assert_eq!(field(Dynamic::new(bounds(5, 4))), "max_workers");
    for limit in [0.0, -1.0, f64::NAN] {
        let wrong = Bounds { memory_limit_mb: Some(limit), ..bounds(1, 1) };
        assert_eq!(field(Dynamic::new(wrong)), "memory_limit_mb");
    }
    let limits = Bounds { memory_limit_mb: Some(100.0), ..bounds(1, 4) };
    let mut dynamic = Dynamic::new(limits).unwrap();
    dynamic.add(Duration::ZERO, vec![entry("there", &[])]).unwrap();
    let large = Entry { memory_mb: 101.0, ..entry("large", &[]) };
    let never = Entry { timeout: Some(Duration::ZERO), ..entry("never", &[]) };
    let table = [
        (vec![entry("", &[])], "task_id"),
        (vec![entry("there", &[])], "task_id"),
        (vec![entry("a", &[]), entry("a", &[])], "task_id"),
        (vec![entry("a", &["a"])], "dependencies"),
        (vec![entry("a", &["gone"])], "dependencies"),
        (vec![entry("a", &["there", "there"])], "dependencies"),
        (vec![entry("a", &["b"]), entry("b", &["a", "there"])], "dependencies"),
        (vec![large], "memory_requirement_mb"),
        (vec![Entry { memory_mb: f64::NAN, ..entry("a", &[]) }], "memory_requirement_mb"),
        (vec![never], "timeout_seconds"),
    ];
    for (entries, wrong) in table {
        let told = format!("{entries:?}");
        assert_eq!(field(dynamic.add(Duration::ZERO, entries)), wrong, "{told}");
    }
    let circle = dynamic.add(Duration::ZERO, vec![entry("a", &["b"]), entry("b", &["a"])]);
    assert!(circle.unwrap_err().to_string().contains("→"));
    assert_eq!(dynamic.step(Duration::ZERO, &[]).unwrap().start, [0]);
    for wrong in [vec![(1, Finish::Completed)], vec![(0, Finish::Completed); 2]] {
        assert_eq!(dynamic.step(Duration::ZERO, &wrong).unwrap_err().code(), "internal");
    }
    assert_eq!(dynamic.metrics(Duration::ZERO).completed, 0);
}

#[test]
fn a_task_may_depend_on_what_ended_before_it_came() {
    let mut dynamic = executor(4, vec![entry("good", &[]), entry("bad", &[])]);
    dynamic.step(Duration::ZERO, &[]).unwrap();
    let ended = [(0, Finish::Completed), (1, Finish::Failed)];
    dynamic.step(millis(1), &ended).unwrap();
    let late = vec![entry("after-good", &["good"]), entry("after-bad", &["good", "bad"])];
    assert_eq!(dynamic.add(millis(2), late).unwrap(), 2);
    let plan = dynamic.step(millis(2), &[]).unwrap();
    assert_eq!((plan.start, plan.cancelled), (vec![2], vec![3]));
}
