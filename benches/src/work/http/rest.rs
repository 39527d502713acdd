//! What a server holds more after thousands of exchanges that failed, once it has rested for a minute.
//!
//! The first burst is for the allocator and whatever grows once; the second one must find all of it again.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use windlass::Durability;

use super::super::process::resident_kib;
use super::super::runtime;
use super::servers::Serving;
use crate::Result;
use crate::place::{Place, discard};
use crate::rounds::{Target, Unit, Workload};

/// Exchanges of a burst, for each way to fail.
const EXCHANGES: usize = 5_000;
/// Of these at once.
const AT_ONCE: usize = 100;
const REST: Duration = Duration::from_secs(60);

/// The workload: growth from rest to rest, in percent.
pub(super) fn workload() -> Workload {
    Workload {
        name: "memory by http after failed exchanges and a minute of rest, growth".to_owned(),
        parts: &[],
        unit: Unit::Percent,
        ours: Box::new(measure),
        beside: None,
        target: Some(Target::Values(&[10.0])),
    }
}

fn measure(place: &Place) -> Result<Vec<f64>> {
    let file = place.file();
    let store = format!("sqlite:{}", file.display());
    let growth = runtime()?.block_on(async {
        let serving = Serving::windlass(&store, Durability::Normal)?;
        burst(&serving.url).await?;
        tokio::time::sleep(REST).await;
        let before = resident_kib(serving.pid())?;
        burst(&serving.url).await?;
        tokio::time::sleep(REST).await;
        Result::Ok(100.0 * (resident_kib(serving.pid())? - before) / before)
    })?;
    discard(&file);
    Ok(vec![growth])
}

/// What is sent before the connection is cut, and whether some of the answer is awaited.
fn failures() -> Vec<(String, bool)> {
    let post = |path: &str, length: usize, body: &str| {
        format!(
            "POST /api/v1/{path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        )
    };
    let lease = r#"{"worker":"w","queues":["q"],"handlers":["h"],"limit":1,"lease_seconds":60,"wait_seconds":60}"#;
    vec![
        ("GET /api/v1/tasks HTTP/1.1\r\nHo".to_owned(), false),
        (post("tasks", 1 << 20, "{\"task_type\":"), false),
        (post("tasks", 9, "{\"a\":1}xx"), true),
        (post("leases", lease.len(), lease), false),
        ("GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(), true),
        ("\0\u{1}\r\n\r\n".to_owned(), false),
    ]
}

async fn burst(url: &str) -> Result<()> {
    let address = url.strip_prefix("http://").ok_or("a server without TLS")?;
    for (text, answered) in failures() {
        for _ in 0..EXCHANGES / AT_ONCE {
            let mut open = Vec::with_capacity(AT_ONCE);
            for _ in 0..AT_ONCE {
                let mut stream = TcpStream::connect(address).await?;
                stream.write_all(text.as_bytes()).await?;
                open.push(stream);
            }
            for stream in open.iter_mut().filter(|_| answered) {
                // Whatever comes, and also that nothing comes any more.
                let _ = stream.read(&mut [0; 256]).await;
            }
        }
    }
    Ok(())
}
