//! The runner itself: nothing wrong passes.

use serde_json::{Value, json};

use super::file::Case;
use super::place::Place;
use super::{pure, scenario, wire};

fn case(value: Value) -> Case {
    serde_json::from_value(value).unwrap()
}

#[test]
fn a_broken_scenario_fails() {
    let submit = json!({"call": "submit", "args": {"task_type": "work"}, "expect": {}});
    let broken = [
        json!({"id": "nothing"}),
        json!({"id": "no-steps", "steps": []}),
        json!({"id": "expects-nothing", "steps": [{"call": "counts"}]}),
        json!({"id": "unknown-field", "step": [], "steps": [submit]}),
        json!({"id": "unknown-option", "connect": {"depth": 1}, "steps": [submit]}),
        json!({"id": "unknown-verb", "steps": [submit, {"call": "submitt"}]}),
        json!({"id": "unknown-step", "steps": [submit, {"advnce": 1}]}),
        json!({"id": "unknown-step-field", "steps": [submit, {"call": "counts", "expct": []}]}),
        json!({"id": "unknown-name", "steps": [{"call": "get", "args": {"task_id": "$a"}, "expect": {}}]}),
        json!({"id": "unknown-matcher", "steps": [{"call": "counts", "expect": {"$what": 1}}]}),
        json!({"id": "another-answer", "steps": [{"call": "counts", "expect": [{}]}]}),
        json!({"id": "no-error", "steps": [{"call": "counts", "error": {"code": "internal"}}]}),
        json!({"id": "another-error", "steps": [
            {"call": "get", "args": {"task_id": "x"}, "error": {"code": "lease_lost"}}]}),
        json!({"id": "unexpected-error", "steps": [submit, {"call": "get", "args": {"task_id": "x"}}]}),
        json!({"id": "no-file", "steps": [submit, {"sql": ["SELECT 1"]}]}),
    ];
    for broken in broken {
        assert!(scenario::run(&case(broken.clone()), &Place::memory()).is_err(), "{broken}");
    }
    assert_eq!(
        scenario::run(&case(json!({"id": "ok", "steps": [submit]})), &Place::memory()),
        Ok(())
    );
}

#[test]
fn a_broken_pure_or_wire_case_fails() {
    let broken = [
        json!({"id": "no-in", "out": 1}),
        json!({"id": "no-out", "in": 1}),
        json!({"id": "both", "in": 1, "out": 1, "error": {}}),
        json!({"id": "another-out", "in": 1, "out": 2}),
        json!({"id": "no-error", "in": 1, "error": {"code": "invalid_argument"}}),
        json!({"id": "unexpected-error", "in": 9, "out": 9}),
    ];
    let priority = |input: &Value| pure::call("priority", input);
    for broken in broken {
        assert!(pure::run(&case(broken.clone()), priority).is_err(), "{broken}");
    }
    assert_eq!(pure::run(&case(json!({"id": "ok", "in": 1, "out": 1})), priority), Ok(()));
    let file = |function: &str| {
        let file = json!({
            "about": "", "law": 1, "level": "core", "function": function, "cases": [],
        });
        serde_json::from_value(file).unwrap()
    };
    let broken = [
        ("filter", json!({"id": "no-text", "out": {}})),
        ("filter", json!({"id": "no-out", "text": "{}"})),
        ("filter", json!({"id": "not-refused", "text": "{}", "refused": true})),
        ("filter", json!({"id": "refused", "text": "[1]", "out": {}})),
        ("filtr", json!({"id": "unknown-record", "text": "{}", "out": {}})),
    ];
    for (function, broken) in broken {
        assert!(wire::run(&file(function), &case(broken.clone())).is_err(), "{broken}");
    }
}
