//! Payloads are taken exactly when serde_json reads them and no object has a key twice.

use std::cell::Cell;

use serde_json::Value;
use windlass::Payload;
use windlass_fuzz::{corpus, json, oracle, target};

use super::hold;

fn agrees(text: &str) -> Result<bool, String> {
    let ours = Payload::new("payload", text);
    let strict = oracle::is_strict_json(text, oracle::LEVELS);
    hold!(ours.is_ok() == strict, "taken: {}, but strict JSON: {strict}", ours.is_ok());
    let parsed = serde_json::from_str::<Value>(text);
    match ours {
        Ok(payload) => {
            hold!(payload.as_str() == text, "the text was changed");
            let value = parsed.map_err(|e| format!("serde_json refuses it: {e}"))?;
            let read: Value = payload.read("payload").map_err(|e| e.to_string())?;
            hold!(read == value, "reads as {read}");
            // On the wire it stands in a record, without the white space around it.
            let wire = serde_json::to_string(&payload).map_err(|e| e.to_string())?;
            let trimmed = text.trim_matches([' ', '\t', '\n', '\r']);
            hold!(wire == trimmed, "is written as {wire:?}");
            let again: Payload = serde_json::from_str(&wire).map_err(|e| e.to_string())?;
            hold!(again.as_str() == trimmed, "comes back as {:?}", again.as_str());
            Ok(true)
        }
        Err(error) => {
            hold!(error.code() == "invalid_payload", "code {}", error.code());
            hold!(error.fields()["field"] == "payload", "field {:?}", error.fields());
            Ok(false)
        }
    }
}

#[test]
fn payloads_corpus() {
    for entry in corpus::entries() {
        if let Err(reason) = agrees(&entry.text) {
            panic!("{}: {reason}", entry.name);
        }
    }
}

#[test]
fn payloads() {
    let (taken, refused) = (Cell::new(0u32), Cell::new(0u32));
    target::fuzz("payloads", 400, json::almost_json(), |text| {
        let count = if agrees(&text)? { &taken } else { &refused };
        count.set(count.get() + 1);
        Ok(())
    });
    let (taken, refused) = (taken.get(), refused.get());
    let least = (taken + refused) / 10;
    assert!(taken >= least && refused >= least, "one-sided: {taken} taken, {refused} refused");
}
