//! A file that is loaded, checked and reported, each step when those before it are done.
//!
//! ```text
//! cargo run -p windlass --example orders
//! ```

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::time::Duration;

use windlass::dynamic::{DynamicExecutor, ExecutionTask, Priority};

async fn load(_path: &str) -> Result<usize, String> {
    Ok(3)
}

async fn check() -> Result<usize, String> {
    Err("line 7 has no amount".to_owned())
}

async fn report() -> Result<usize, String> {
    Ok(1)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> windlass::Result<()> {
    let done = DynamicExecutor::new()
        .max_workers(8)
        .timeout(Duration::from_secs(300))
        .run([
            ExecutionTask::boxed("load", load("orders.csv")).priority(Priority::High),
            ExecutionTask::boxed("check", check())
                .dependencies(["load"])
                .timeout(Duration::from_secs(60)),
            ExecutionTask::boxed("report", report()).dependencies(["check"]),
        ])
        .await?;
    println!("{} {:?}", done.is_success(), done.results);
    for (task_id, error) in &done.errors {
        println!("{task_id} {}: {error}", error.code());
    }
    Ok(())
}
