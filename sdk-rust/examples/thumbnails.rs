//! Submits a few tasks, runs them in the same process, and follows one of them.
//!
//! ```text
//! cargo run -p windlass --example thumbnails -- sqlite:thumbnails.db
//! ```

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use serde::{Deserialize, Serialize};
use serde_json::json;
use windlass::{
    Context, Failure, Handlers, Priority, SubmitOptions, TaskSpec, UpdateKind, WorkerConfig,
};

#[derive(Deserialize)]
struct Photo {
    path: String,
    width: u32,
}

#[derive(Serialize)]
struct Thumbnail {
    path: String,
    width: u32,
}

async fn thumbnail(ctx: Context, photo: Photo) -> Result<Thumbnail, Failure> {
    ctx.progress(50.0, "decoded")?;
    // The first attempt at this one fails, and is retried after a second.
    if photo.path == "b.jpg" && ctx.attempt() == 1 {
        return Err(Failure::new("the camera was still writing"));
    }
    Ok(Thumbnail { path: photo.path.replace(".jpg", ".thumb.jpg"), width: photo.width })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args().nth(1).unwrap_or_else(|| "memory:".to_owned());
    let client = windlass::connect(&url).await?;
    let running =
        Handlers::new().on("thumbnail", thumbnail).start(&client, WorkerConfig::default())?;

    let specs = ["a.jpg", "b.jpg", "c.jpg"].map(|path| {
        TaskSpec::new("thumbnail", json!({ "path": path, "width": 320 })).priority(Priority::High)
    });
    let options = SubmitOptions { batch: true, ..SubmitOptions::default() };
    let tasks = client.submit_many(specs.to_vec(), options).await?;

    let mut updates = client.updates(&tasks[1].task_id.to_string(), 0)?;
    while let Some(update) = updates.next().await {
        let update = update?;
        match update.kind {
            UpdateKind::Status { status, attempt, .. } => {
                println!("{} {status} (attempt {attempt})", update.at);
            }
            UpdateKind::Progress { progress, .. } => println!("{} {progress}%", update.at),
            _ => {}
        }
    }
    for task in &tasks {
        println!("{}", client.result(&task.task_id.to_string(), None).await?.as_str());
    }
    running.drain().await;
    Ok(())
}
