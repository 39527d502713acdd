//! From a submit by HTTP to the start of the handler in an idle worker, both remote: three processes.

use windlass::Durability;

use super::super::wake;
use super::servers::Serving;
use crate::Result;
use crate::place::{Place, discard};
use crate::rounds::{Target, Unit, Workload};

/// The workload: the middle and the slow end of the times.
pub(super) fn workload(wakes: u32) -> Workload {
    Workload {
        name: "wake-up of a remote worker by http, full".to_owned(),
        parts: &["p50", "p99"],
        unit: Unit::Milliseconds,
        ours: Box::new(move |place| ours(place, wakes)),
        beside: None,
        target: Some(Target::Values(&[3.0, 15.0])),
    }
}

fn ours(place: &Place, wakes: u32) -> Result<Vec<f64>> {
    let file = place.file();
    let serving = Serving::windlass(&format!("sqlite:{}", file.display()), Durability::Full)?;
    let times = wake::by_url(&serving.url, wakes)?;
    drop(serving);
    discard(&file);
    Ok(times)
}
