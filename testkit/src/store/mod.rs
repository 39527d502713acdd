//! The contract of [`Store`], as a suite that every store passes.
//!
//! ```no_run
//! use std::sync::Arc;
//! use windlass_core::MemoryStore;
//! // The same name must open the same place: some cases work through two connections.
//! windlass_testkit::store::exercise("memory", |_name, clock| Arc::new(MemoryStore::new(clock)));
//! ```
//!
//! One file per area; a case is a function over a [`Bench`], which holds an empty store and a clock
//! that stands still. After each case the store is audited: counts against rows, histories against
//! gaps, leases against statuses.

mod audit;
mod batch;
mod batches;
mod bench;
mod blocks;
mod close;
mod composing;
mod depth;
mod enqueue;
mod fan;
mod flow;
mod guards;
mod history;
mod keys;
mod list;
mod order;
mod outcomes;
mod pause;
mod pipelines;
mod prune;
mod queues;
mod races;
mod recent;
mod renew;
mod states;
mod suspects;
mod sweep;
mod tenants;
mod workers;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use windlass_core::{Clock, Store};

use bench::Bench;

/// One case: its name and what it does.
type Case = (&'static str, fn(&Bench));

/// Lists functions of a file as cases, named by the file and the function.
macro_rules! cases {
    ($($case:ident),* $(,)?) => {
        pub(super) const CASES: &[super::Case] =
            &[$((concat!(module_path!(), "::", stringify!($case)), $case)),*];
    };
}
use cases;

/// Every case, by area.
const AREAS: &[&[Case]] = &[
    enqueue::CASES,
    keys::CASES,
    depth::CASES,
    order::CASES,
    suspects::CASES,
    pause::CASES,
    guards::CASES,
    outcomes::CASES,
    renew::CASES,
    history::CASES,
    list::CASES,
    queues::CASES,
    batch::CASES,
    recent::CASES,
    flow::CASES,
    sweep::CASES,
    prune::CASES,
    workers::CASES,
    tenants::CASES,
    races::CASES,
    close::CASES,
];

/// Cases of batches, blocks, pipelines and states.
const COMPOSITES: &[&[Case]] =
    &[pipelines::CASES, blocks::CASES, batches::CASES, states::CASES, fan::CASES];

/// Runs every case of composites on a store of its own; as [`exercise`].
///
/// # Panics
///
/// As [`exercise`].
pub fn exercise_composites(
    store: &str,
    open: impl Fn(&str, Arc<dyn Clock>) -> Arc<dyn Store> + Sync,
) -> usize {
    run(store, COMPOSITES, open)
}

/// Runs every case on a store of its own; answers how many ran.
///
/// `open` opens the store called by a name, with the clock given; a name that is open already means
/// another connection to the same tasks. `WINDLASS_CASE` runs only the cases whose name contains it.
///
/// # Panics
///
/// After all cases, when one of them failed; each failure is printed where it happens.
pub fn exercise(
    store: &str,
    open: impl Fn(&str, Arc<dyn Clock>) -> Arc<dyn Store> + Sync,
) -> usize {
    run(store, AREAS, open)
}

fn run(
    store: &str,
    areas: &[&[Case]],
    open: impl Fn(&str, Arc<dyn Clock>) -> Arc<dyn Store> + Sync,
) -> usize {
    let wanted = std::env::var("WINDLASS_CASE").unwrap_or_default();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("the machine can start threads");
    let cases: Vec<&Case> = areas.iter().copied().flatten().collect();
    let cases = cases.into_iter().filter(|(name, _)| name.contains(&wanted)).collect::<Vec<_>>();
    let mut failed = Vec::new();
    for (i, (name, case)) in cases.iter().enumerate() {
        let bench = Bench::new(&open, format!("case-{i}"), runtime.handle().clone());
        let ran = catch_unwind(AssertUnwindSafe(|| {
            case(&bench);
            bench.audit();
        }));
        if ran.is_err() {
            failed.push(*name);
        }
    }
    assert!(
        failed.is_empty(),
        "{store}: {} of {} cases failed: {failed:#?}",
        failed.len(),
        cases.len()
    );
    assert!(!cases.is_empty(), "{store}: no case is called {wanted:?}");
    cases.len()
}
