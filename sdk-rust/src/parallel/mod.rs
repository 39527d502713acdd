//! Steps run side by side in this process, under a [`Strategy`].
//!
//! Futures are driven in place by whoever awaits [`Parallel::run`], without tasks of a runtime: they
//! may borrow, need not be `Send`, and a loser is cancelled by being dropped. One that computes for
//! long keeps the others waiting; spawn it and let the step await its handle. A block with a timeout
//! or a rate needs tokio's timer.
//!
//! ```
//! use windlass::parallel::{Overall, Parallel, Strategy};
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! let steps = (0..1_000u32).map(|n| async move { if n == 7 { Err("seven") } else { Ok(n * 2) } });
//! let block = Parallel::new(Strategy::All).max_concurrency(100).run(steps).await?;
//! assert_eq!((block.overall, block.completed, block.failed), (Overall::Partial, 999, 1));
//! assert_eq!(block.results[3].completed(), Some(&6));
//! # Ok::<(), windlass::Error>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod drive;
mod result;
mod run;
pub(crate) mod slots;

pub use result::{BlockResult, StepResult};
pub use run::Parallel;
pub use windlass_core::rules::strategy::{Answer, Overall, Strategy};
