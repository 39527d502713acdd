//! The quickest of several mirrors, and all of them, under a strategy.
//!
//! ```text
//! cargo run -p windlass --example mirrors
//! ```

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::time::Duration;

use windlass::parallel::{Overall, Parallel, Strategy};

async fn fetch(mirror: &str) -> Result<String, String> {
    let wait = match mirror {
        "near" => 10,
        "far" => 200,
        _ => return Err(format!("no route to {mirror}")),
    };
    tokio::time::sleep(Duration::from_millis(wait)).await;
    Ok(format!("file from {mirror}"))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> windlass::Result<()> {
    let mirrors = ["far", "gone", "near"];

    let everything =
        Parallel::new(Strategy::All).max_concurrency(2).run(mirrors.map(fetch)).await?;
    assert_eq!(everything.overall, Overall::Partial);
    for (mirror, step) in mirrors.iter().zip(&everything.results) {
        println!("{mirror}: {} {:?}", step.status(), step.failed());
    }

    let quickest = Parallel::new(Strategy::AnySuccess)
        .timeout(Duration::from_secs(5))
        .run(mirrors.map(fetch))
        .await?;
    println!("{}: {:?}", quickest.overall.as_str(), quickest.values().collect::<Vec<_>>());
    Ok(())
}
