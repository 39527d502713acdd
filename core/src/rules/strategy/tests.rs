//! Blocks driven by a host made of seeded chance: every strategy, every order of finishes.

use std::time::Duration;

use super::*;
use crate::error::Error;

/// SplitMix64: the same seed, the same run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u32) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        u32::try_from((z ^ (z >> 31)) % u64::from(limit)).unwrap()
    }
}

/// What a run showed.
struct Run {
    verdict: Overall,
    /// Outcomes in the order of the finishes, up to the verdict.
    finished: Vec<bool>,
    starts: Vec<(u32, Duration)>,
    tally: StepTally,
    ended_at: Duration,
}

/// Runs a block as a host would: pulls granted steps into slots, ends them in random order, tells
/// several at once, cancels the losers.
fn run(terms: Terms, total: u32, failing: u32, seed: u64) -> Run {
    let mut chance = Chance(seed);
    let mut block = Block::new(terms, total).unwrap();
    let mut now = Duration::from_secs(50);
    let mut queue = std::collections::VecDeque::new();
    let mut running: Vec<u32> = Vec::new();
    let mut run = Run {
        verdict: Overall::Cancelled,
        finished: Vec::new(),
        starts: Vec::new(),
        tally: StepTally::default(),
        ended_at: now,
    };
    let mut ended = Ended::default();
    loop {
        let plan = block.step(now, ended).unwrap();
        ended = Ended { first: ended.first, ..Ended::default() };
        queue.extend(plan.start.clone());
        if let Some(verdict) = plan.verdict {
            assert!(plan.start.is_empty() && plan.wake.is_none());
            run.verdict = verdict;
            run.ended_at = now;
            break;
        }
        let slots = usize::try_from(terms.max_concurrency).unwrap();
        if !block.is_quiet() {
            assert!(running.len() + queue.len() <= slots, "granted more than may run");
        }
        let most = 1 + chance.below(4);
        for _ in 0..most {
            while running.len() < slots
                && let Some(index) = queue.pop_front()
            {
                run.starts.push((index, now));
                running.push(index);
            }
            if running.is_empty() {
                break;
            }
            let place = chance.below(u32::try_from(running.len()).unwrap());
            running.swap_remove(usize::try_from(place).unwrap());
            let good = chance.below(100) >= failing;
            run.finished.push(good);
            ended.first = ended.first.or(Some(good));
            if good { ended.completed += 1 } else { ended.failed += 1 }
        }
        if ended.completed + ended.failed == 0 {
            now = plan.wake.expect("nothing runs and nothing is waited for").max(now);
        } else {
            now += Duration::from_millis(u64::from(chance.below(3)));
        }
    }
    // Losers: some finish all the same, the rest are cancelled, what never started too.
    for _ in running.drain(..) {
        match chance.below(3) {
            0 => ended.completed += 1,
            1 => ended.failed += 1,
            _ => ended.cancelled += 1,
        }
    }
    ended.cancelled += u32::try_from(queue.len()).unwrap();
    let last = block.step(now, ended).unwrap();
    assert_eq!(last.verdict, Some(run.verdict), "a verdict changed");
    assert!(last.start.is_empty());
    assert_eq!(block.running(), 0);
    run.tally = block.tally();
    run
}

fn terms(strategy: Strategy, max_concurrency: u32) -> Terms {
    Terms { strategy, max_concurrency, timeout: None }
}

/// The law's table, written down again from the outcomes alone.
fn expected(strategy: Strategy, total: u32, finished: &[bool]) -> Overall {
    let good = u32::try_from(finished.iter().filter(|good| **good).count()).unwrap();
    match strategy {
        _ if total == 0 => Overall::Completed,
        Strategy::All | Strategy::Throttled { .. } | Strategy::Custom => match good {
            good if good == total => Overall::Completed,
            0 => Overall::Failed,
            _ => Overall::Partial,
        },
        Strategy::AnySuccess if good > 0 => Overall::Completed,
        Strategy::Quorum(needed) if good >= needed => Overall::Completed,
        Strategy::Race if finished[0] => Overall::Completed,
        _ => Overall::Failed,
    }
}

// PAR-20..PAR-25, PAR-29..PAR-33
#[test]
fn every_strategy_keeps_the_law_in_every_order() {
    for seed in 0..2_000 {
        let mut chance = Chance(seed ^ 0xb10c);
        let total = chance.below(40);
        let slots = 1 + chance.below(12);
        let failing = [0, 10, 50, 90, 100][usize::try_from(chance.below(5)).unwrap()];
        let needed = 1 + chance.below(total.max(1));
        let strategies = [
            Strategy::All,
            Strategy::AnySuccess,
            Strategy::Race,
            Strategy::Throttled { per_second: 500.0 },
            Strategy::Quorum(needed),
            Strategy::Custom,
        ];
        for strategy in strategies {
            if strategy.check(total).is_err() {
                continue;
            }
            let run = run(terms(strategy, slots), total, failing, seed);
            let place = format!("seed {seed}, {strategy:?}, {total} steps in {slots} slots");
            assert_eq!(run.verdict, expected(strategy, total, &run.finished), "{place}");
            let tally = run.tally;
            assert_eq!(tally.total, total, "{place}");
            assert_eq!(tally.completed + tally.failed + tally.cancelled, total, "{place}");
            assert!(
                run.starts.iter().map(|(index, _)| *index).eq((0..total).take(run.starts.len()))
            );
            if matches!(strategy, Strategy::All | Strategy::Throttled { .. } | Strategy::Custom) {
                assert_eq!(run.starts.len(), usize::try_from(total).unwrap(), "{place}");
            }
        }
    }
}

#[test]
fn a_throttled_block_starts_evenly_and_catches_up_little() {
    let strategy = Strategy::Throttled { per_second: 100.0 };
    for seed in 0..200 {
        let run = run(terms(strategy, 5), 60, 20, seed);
        for (n, (_, from)) in run.starts.iter().enumerate() {
            for (m, (_, to)) in run.starts.iter().enumerate().skip(n) {
                let allowed = 1.0 + 100.0 * ((*to - *from).as_secs_f64() + 0.1);
                let started = (m - n + 1) as f64;
                assert!(started <= allowed + 1e-6, "seed {seed}: {started} of {allowed}");
            }
        }
        // 60 starts at 100 a second: the last is due 590 ms after the first.
        assert!(run.ended_at >= Duration::from_millis(50_590));
    }
}

#[test]
fn a_late_host_gets_a_tenth_of_a_second_of_starts_and_no_more() {
    let strategy = Strategy::Throttled { per_second: 100.0 };
    let mut block = Block::new(terms(strategy, 1_000), 1_000).unwrap();
    let first = block.step(Duration::ZERO, Ended::default()).unwrap();
    assert_eq!((first.start, first.wake), (0..1, Some(Duration::from_millis(10))));
    let early = block.step(Duration::from_millis(9), Ended::default()).unwrap();
    assert_eq!((early.start, early.wake), (1..1, Some(Duration::from_millis(10))));
    let late = block.step(Duration::from_secs(60), Ended::default()).unwrap();
    assert_eq!((late.start, late.wake), (1..12, Some(Duration::from_millis(60_010))));
}

#[test]
fn all_is_granted_at_once_and_told_once() {
    let mut block = Block::new(terms(Strategy::All, 3), 100_000).unwrap();
    assert!(block.is_quiet());
    let plan = block.step(Duration::ZERO, Ended::default()).unwrap();
    assert_eq!((plan.start, plan.wake, plan.verdict), (0..100_000, None, None));
    let ended = Ended { completed: 99_999, failed: 1, ..Ended::default() };
    let plan = block.step(Duration::ZERO, ended).unwrap();
    assert_eq!(plan.verdict, Some(Overall::Partial));
}

#[test]
fn a_deadline_ends_what_is_undecided_and_keeps_what_finished() {
    let timeout = Some(Duration::from_secs(30));
    let terms = Terms { strategy: Strategy::All, max_concurrency: 2, timeout };
    let mut block = Block::new(terms, 4).unwrap();
    let plan = block.step(Duration::from_secs(7), Ended::default()).unwrap();
    assert_eq!((plan.start, plan.wake), (0..4, Some(Duration::from_secs(37))));
    let done = Ended { completed: 2, ..Ended::default() };
    let plan = block.step(Duration::from_secs(37), done).unwrap();
    assert_eq!(plan.verdict, Some(Overall::Timeout));
    block.step(Duration::from_secs(38), Ended { cancelled: 2, ..Ended::default() }).unwrap();
    let tally = block.tally();
    assert_eq!((tally.completed, tally.failed, tally.cancelled), (2, 0, 2));

    let mut block = Block::new(terms, 2).unwrap();
    block.step(Duration::ZERO, Ended::default()).unwrap();
    let plan = block.step(Duration::from_secs(99), done).unwrap();
    assert_eq!(plan.verdict, Some(Overall::Completed), "a finish counts before the deadline");
}

#[test]
fn steps_never_granted_are_cancelled_with_the_verdict() {
    let mut block = Block::new(terms(Strategy::Race, 2), 10).unwrap();
    assert_eq!(block.step(Duration::ZERO, Ended::default()).unwrap().start, 0..2);
    assert_eq!(block.tally().cancelled, 0);
    let ended = Ended { completed: 1, failed: 1, first: Some(false), ..Ended::default() };
    let plan = block.step(Duration::ZERO, ended).unwrap();
    assert_eq!(plan.verdict, Some(Overall::Failed));
    let tally = block.tally();
    assert_eq!((tally.completed, tally.failed, tally.cancelled), (1, 1, 8));
}

// PAR-25
#[test]
fn the_first_answer_that_decides_ends_a_custom_block() {
    let start = |answers: &[Answer]| {
        let mut block = Block::new(terms(Strategy::Custom, 2), 3).unwrap();
        block.step(Duration::ZERO, Ended::default()).unwrap();
        answers.iter().for_each(|answer| block.answer(*answer));
        block.step(Duration::ZERO, Ended { failed: 1, ..Ended::default() }).unwrap()
    };
    assert_eq!(start(&[Answer::KeepGoing]).start, 2..3);
    let satisfied = start(&[Answer::Satisfied, Answer::Failed]);
    assert_eq!(satisfied.verdict, Some(Overall::Completed));
    assert_eq!(start(&[Answer::Failed]).verdict, Some(Overall::Failed));
    assert_eq!(Answer::parse("satisfied").unwrap(), Answer::Satisfied);
    assert!(Answer::parse("yes").is_err());
}

#[test]
fn a_cancelled_block_starts_nothing_more() {
    let mut block = Block::new(terms(Strategy::Quorum(3), 2), 5).unwrap();
    block.step(Duration::ZERO, Ended::default()).unwrap();
    block.cancel();
    let plan = block.step(Duration::ZERO, Ended { cancelled: 2, ..Ended::default() }).unwrap();
    assert_eq!((plan.start, plan.verdict), (2..2, Some(Overall::Cancelled)));
    block.answer(Answer::Satisfied);
    assert_eq!(block.verdict(), Some(Overall::Cancelled));
}

#[test]
fn more_ends_than_steps_that_run_are_refused_and_not_counted() {
    let mut block = Block::new(terms(Strategy::AnySuccess, 2), 5).unwrap();
    block.step(Duration::ZERO, Ended::default()).unwrap();
    let wrong = Ended { completed: 2, failed: u32::MAX, ..Ended::default() };
    assert_eq!(block.step(Duration::ZERO, wrong).unwrap_err().code(), "internal");
    assert_eq!((block.running(), block.verdict()), (2, None));
}

// PAR-10, PAR-12, PAR-13
#[test]
fn bad_terms_name_their_field() {
    let good = Asked {
        strategy: "all",
        quorum: None,
        rate_per_second: None,
        max_concurrency: 10,
        timeout_seconds: None,
        has_custom: false,
    };
    let field = |asked: Asked<'_>| match Terms::parse(&asked, 3) {
        Err(Error::InvalidArgument { field, .. }) => field,
        other => panic!("expected invalid_argument, got {other:?}"),
    };
    assert_eq!(Terms::parse(&good, 3).unwrap(), terms(Strategy::All, 10));
    for number in [0, -1, i64::MIN] {
        assert_eq!(field(Asked { max_concurrency: number, ..good }), "max_concurrency");
    }
    for seconds in [0.0, -1.0, 1e-12, f64::NAN, f64::INFINITY] {
        assert_eq!(field(Asked { timeout_seconds: Some(seconds), ..good }), "timeout_seconds");
    }
    assert_eq!(field(Asked { strategy: "collect", ..good }), "strategy");
    assert_eq!(field(Asked { strategy: "quorum(5)", ..good }), "quorum");
    assert_eq!(field(Asked { strategy: "custom", ..good }), "custom");
    assert_eq!(field(Asked { has_custom: true, ..good }), "custom");
    let huge = Asked { max_concurrency: i64::MAX, ..good };
    assert_eq!(Terms::parse(&huge, 3).unwrap().max_concurrency, u32::MAX);
}
