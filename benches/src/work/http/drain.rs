//! One Rust worker runs a queue over HTTP: 100 at once, leased and settled by up to 100. Beside: the same
//! worker on the same kind of file in process.

use windlass::Durability;

use super::super::drain::{self, fill};
use super::super::{connect, runtime};
use super::servers::Serving;
use crate::Result;
use crate::place::{Place, discard};
use crate::rounds::{Target, Unit, Workload};

/// The workload.
pub(super) fn workload(tasks: u32) -> Workload {
    Workload {
        name: "drain by one worker over http, normal".to_owned(),
        parts: &[],
        unit: Unit::TasksPerSecond,
        ours: Box::new(move |place| ours(place, tasks)),
        beside: Some((
            "in process",
            Box::new(move |place| drain::ours(place, Durability::Normal, tasks)),
        )),
        target: Some(Target::Times(0.5)),
    }
}

fn ours(place: &Place, tasks: u32) -> Result<Vec<f64>> {
    let file = place.file();
    let rate = runtime()?.block_on(async {
        let client = connect(&file, Durability::Normal).await?;
        fill(&client, tasks).await?;
        client.close().await?;
        let serving = Serving::windlass(&format!("sqlite:{}", file.display()), Durability::Normal)?;
        let client = windlass::connect(&serving.url).await?;
        let rate = drain::drain(&client, tasks).await?;
        client.close().await?;
        Result::Ok(rate)
    })?;
    discard(&file);
    Ok(vec![rate])
}
