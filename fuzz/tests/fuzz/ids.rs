//! Ids and cursors: what is read is written alike, and what is no id is refused without a word more.

use proptest::prelude::*;
use windlass::{Cursor, TaskId, Timestamp};
use windlass_fuzz::text::{any_text, mutated};
use windlass_fuzz::{corpus, target};

use super::hold;

fn cursor(text: &str) -> Result<(), String> {
    match text.parse::<Cursor>() {
        Ok(cursor) => hold!(cursor.to_string() == text.to_lowercase(), "is written as {cursor}"),
        Err(error) => hold!(error.code() == "invalid_argument", "code {}", error.code()),
    }
    let wire = serde_json::to_string(text).map_err(|e| e.to_string())?;
    let read = serde_json::from_str::<Cursor>(&wire);
    hold!(read.is_ok() == text.parse::<Cursor>().is_ok(), "the wire takes another text");
    Ok(())
}

fn id(text: &str) -> Result<(), String> {
    match TaskId::parse(text) {
        Ok(id) => {
            let written = id.to_string();
            hold!(TaskId::parse(&written).ok() == Some(id), "{written} is another id");
            hold!(written.len() == 36 && written == written.to_lowercase(), "written {written}");
        }
        Err(error) => {
            hold!(error.code() == "task_not_found", "code {}", error.code());
            let told = error.fields()["task_id"].as_str().map_or(0, |t| t.chars().count());
            hold!(told <= 64, "tells {told} characters");
        }
    }
    Ok(())
}

#[test]
fn ids_corpus() {
    for entry in corpus::entries() {
        for check in [cursor, id] {
            if let Err(reason) = check(&entry.text) {
                panic!("{}: {reason}", entry.name);
            }
        }
    }
}

#[test]
fn ids_and_cursors() {
    let made = any::<[u8; 16]>().prop_map(TaskId::from_bytes);
    let text = prop_oneof![
        made.clone().prop_map(|after| Cursor { after }.to_string()),
        made.prop_map(|id| id.to_string()),
        corpus::pick(100),
        any_text(40),
    ];
    target::fuzz("ids_and_cursors", 200, mutated(text), |text| {
        cursor(&text)?;
        id(&text)
    });
}

#[test]
fn ids_tell_their_time() {
    // 48 bits of milliseconds: to the year 10889.
    target::fuzz("ids_tell_their_time", 50, (any::<[u8; 16]>(), 0i64..1 << 48), |(bytes, at)| {
        let after = TaskId::from_bytes(bytes);
        let again = Cursor { after }.to_string().parse::<Cursor>();
        hold!(again.is_ok_and(|cursor| cursor.after == after), "the cursor comes back as another");
        let at = Timestamp::from_millis(at);
        let least = TaskId::least_at(at);
        hold!(least.created() == at, "made at {}", least.created());
        Ok(())
    });
}
