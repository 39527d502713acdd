//! A pipeline: two branches that part and meet again, followed to its end and drawn.
//!
//! ```text
//! cargo run -p windlass --example nightly
//! ```

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use serde_json::json;
use windlass::rules::mermaid;
use windlass::{Context, Handlers, PipelineSpec, TaskSpec, WorkerConfig};

#[tokio::main]
async fn main() -> windlass::Result<()> {
    let client = windlass::connect("memory:").await?;
    let handlers = Handlers::new()
        .on("extract", async |_: Context, (): ()| Ok(vec![3, 1, 2]))
        .on("sum", async |ctx: Context, (): ()| {
            let rows: Vec<u32> = ctx.upstream("extract").await?;
            Ok(rows.iter().sum::<u32>())
        })
        .on("largest", async |ctx: Context, (): ()| {
            let rows: Vec<u32> = ctx.upstream("extract").await?;
            Ok(rows.into_iter().max())
        })
        .on("report", async |ctx: Context, (): ()| {
            let (sum, largest): (u32, u32) =
                (ctx.upstream("sum").await?, ctx.upstream("largest").await?);
            Ok(format!("{largest} of {sum}"))
        });
    let running = handlers.start(&client, WorkerConfig::default())?;

    let task = |name: &str| TaskSpec::new(name, json!(null));
    let nightly = PipelineSpec::new("nightly")
        .stage("extract", &[], task("extract"))
        .stage("sum", &["extract"], task("sum"))
        .stage("largest", &["extract"], task("largest"))
        .stage("report", &["sum", "largest"], task("report"));
    let stored = client.submit_pipeline(nightly).await?;

    let id = stored.pipeline_id.to_string();
    let mut monitor = client.monitor(&id)?;
    while let Some(change) = monitor.next().await {
        let change = change?;
        let name = change.stage.as_deref().unwrap_or("the pipeline");
        println!("{:>3.0} % {name} {}", change.progress, change.status);
    }
    let report = client.result(&stored.task_ids[3].to_string(), None).await?;
    assert_eq!(report.as_str(), "\"3 of 6\"");
    println!("{}", mermaid::of_pipeline(&client.pipeline(&id).await?));
    running.drain().await;
    Ok(())
}
