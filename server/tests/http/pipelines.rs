//! Pipelines over HTTP.

use serde_json::{Value, json};

use crate::act::{complete, fail, lease, perform};
use crate::raw::{Reply, Stage};

const PIPELINES: &str = "/api/v1/pipelines";

/// `extract`, then `clean` and `enrich`, then `load`.
fn etl() -> Value {
    json!({ "name": "etl", "labels": { "env": "test" }, "timeout_seconds": 3600, "stages": [
        { "name": "extract", "task_type": "extract", "payload": { "from": 1 } },
        { "name": "clean", "task_type": "clean", "depends_on": ["extract"], "max_retries": 0 },
        { "name": "enrich", "task_type": "enrich", "depends_on": ["extract"], "max_retries": 0 },
        { "name": "load", "task_type": "load", "depends_on": ["clean", "enrich"] },
    ] })
}

async fn submitted(stage: &Stage) -> Value {
    let reply = stage.ask("POST", PIPELINES, &etl().to_string()).await;
    assert_eq!(reply.status, 201, "{reply:?}");
    reply.json()
}

async fn look(stage: &Stage, path: &str) -> Value {
    let reply = stage.ask("GET", path, "").await;
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json()
}

/// Stages and their statuses.
fn stands(pipeline: &Value) -> Vec<(&str, &str)> {
    let stages = pipeline["stages"].as_array().unwrap().iter();
    stages.map(|s| (s["name"].as_str().unwrap(), s["status"].as_str().unwrap())).collect()
}

/// The events of a stream that has ended: names and data.
fn events(text: &str) -> Vec<(String, Value)> {
    let mut events = Vec::new();
    let mut name = String::new();
    for line in text.lines() {
        if let Some(kind) = line.strip_prefix("event: ") {
            name = kind.to_owned();
        } else if let Some(data) = line.strip_prefix("data: ") {
            events.push((name.clone(), serde_json::from_str(data).unwrap()));
        }
    }
    events
}

// PIP-04, PIP-05: stages wait for what they depend on, read its results, and are followed to one end.
#[tokio::test]
async fn a_pipeline_runs_stage_by_stage_and_is_followed_to_its_end() {
    let stage = Stage::new().await;
    let stored = submitted(&stage).await;
    let path = format!("{PIPELINES}/{}", stored["pipeline_id"].as_str().unwrap());
    assert_eq!(stored["task_ids"].as_array().unwrap().len(), 4);
    assert_eq!((&stored["status"], &stored["deduplicated"]), (&json!("running"), &json!(false)));
    let mut raw = stage.connect().await;
    raw.send("GET", &format!("{path}/events"), &[], "").await;
    assert_eq!(raw.head().await.header("content-type"), Some("text/event-stream"));

    let pipeline = look(&stage, &path).await;
    assert_eq!(
        stands(&pipeline),
        [("extract", "pending"), ("clean", "blocked"), ("enrich", "blocked"), ("load", "blocked")]
    );
    assert_eq!(pipeline["stages"][3]["depends_on"], json!(["clean", "enrich"]));
    assert!(lease(&stage.client, "load").await.is_none());
    let early =
        format!("/api/v1/tasks/{}/upstream/extract", stored["task_ids"][1].as_str().unwrap());
    let early = stage.ask("GET", &early, "").await.problem();
    assert_eq!((early.0, early.1.as_str()), (409, "invalid_transition"), "not told as null");
    perform(&stage.client, "extract", complete(json!([1, 2]))).await;
    perform(&stage.client, "clean", complete(json!({ "rows": 2 }))).await;
    perform(&stage.client, "enrich", complete(Value::Null)).await;

    let load = format!("/api/v1/tasks/{}", stored["task_ids"][3].as_str().unwrap());
    let names = look(&stage, &format!("{load}/upstream")).await;
    assert_eq!(names, json!({ "names": ["clean", "enrich"] }));
    let clean = look(&stage, &format!("{load}/upstream/clean")).await;
    assert_eq!(clean, json!({ "name": "clean", "result": { "rows": 2 } }));
    let nothing = look(&stage, &format!("{load}/upstream/enrich")).await;
    assert_eq!(nothing, json!({ "name": "enrich", "result": null }));
    for path in [format!("{load}/upstream/extract"), "/api/v1/tasks/none/upstream/clean".into()] {
        assert_eq!(stage.ask("GET", &path, "").await.problem().1, "task_not_found", "{path}");
    }
    perform(&stage.client, "load", complete(json!("done"))).await;

    let text = raw.until("\r\n0\r\n\r\n").await;
    let told = events(&text);
    let finals: Vec<&Value> = told
        .iter()
        .filter(|(name, data)| name == "status" && data["status"] != "running")
        .map(|(_, data)| data)
        .collect();
    assert_eq!(finals.len(), 1, "{text}");
    assert_eq!((&finals[0]["status"], &finals[0]["kind"]), (&json!("completed"), &json!("status")));
    assert_eq!(told.last().unwrap().1["status"], "completed");
    let ends: Vec<&str> = told
        .iter()
        .filter(|(name, data)| name == "member" && data["status"] == "completed")
        .map(|(_, data)| data["stage"].as_str().unwrap())
        .collect();
    assert_eq!(ends, ["extract", "clean", "enrich", "load"]);
    let pipeline = look(&stage, &path).await;
    assert_eq!(
        (&pipeline["status"], &pipeline["members"]["completed"]),
        (&json!("completed"), &json!(4))
    );
    assert!(pipeline["finished_at"].is_string() && pipeline["timeout_seconds"] == 3600.0);
    // Who has seen it all is told so, and who resumes is told the rest.
    let seq = finals[0]["seq"].as_u64().unwrap();
    let again = stage.ask("GET", &format!("{path}/events?after={seq}"), "").await;
    assert_eq!(again.status, 204);
    let task =
        look(&stage, &format!("/api/v1/tasks/{}", stored["pipeline_id"].as_str().unwrap())).await;
    assert_eq!((&task["kind"], &task["status"]), (&json!("pipeline"), &json!("completed")));
}

#[tokio::test]
async fn a_failed_stage_takes_what_depends_on_it_along_and_runs_again() {
    let stage = Stage::new().await;
    let stored = submitted(&stage).await;
    let path = format!("{PIPELINES}/{}", stored["pipeline_id"].as_str().unwrap());
    perform(&stage.client, "extract", complete(json!(1))).await;
    perform(&stage.client, "clean", fail("no such table")).await;
    let pipeline = look(&stage, &path).await;
    assert_eq!(
        stands(&pipeline)[1..],
        [("clean", "failed"), ("enrich", "pending"), ("load", "cancelled")]
    );
    assert_eq!(pipeline["stages"][3]["error"]["code"], "upstream_failed");
    perform(&stage.client, "enrich", complete(json!(1))).await;
    assert_eq!(look(&stage, &path).await["status"], "failed");

    let refused = stage.ask("POST", &format!("{path}/retry"), r#"{"stage":"none"}"#).await;
    assert_eq!(refused.problem().0, 400, "{refused:?}");
    let again = stage.ask("POST", &format!("{path}/retry"), r#"{"stage":"clean"}"#).await.json();
    assert_eq!(
        stands(&again),
        [
            ("extract", "completed"),
            ("clean", "pending"),
            ("enrich", "completed"),
            ("load", "blocked")
        ]
    );
    assert_eq!(again["status"], "running");
    perform(&stage.client, "clean", complete(json!(1))).await;
    perform(&stage.client, "load", complete(json!(1))).await;
    assert_eq!(look(&stage, &path).await["status"], "completed");
    let nothing = stage.ask("POST", &format!("{path}/retry"), "").await;
    assert_eq!(nothing.problem().0, 409, "{nothing:?}");
}

#[tokio::test]
async fn a_pipeline_is_cancelled_and_listed() {
    let stage = Stage::new().await;
    let first = submitted(&stage).await["pipeline_id"].clone();
    let second = submitted(&stage).await["pipeline_id"].clone();
    let cancelled =
        stage.ask("POST", &format!("{PIPELINES}/{}/cancel", first.as_str().unwrap()), "{}").await;
    assert_eq!((cancelled.status, &cancelled.json()["status"]), (200, &json!("cancelled")));
    assert!(stands(&cancelled.json()).iter().all(|(_, status)| *status == "cancelled"));

    let ids = |page: &Value| -> Vec<Value> {
        page["pipelines"].as_array().unwrap().iter().map(|p| p["pipeline_id"].clone()).collect()
    };
    let page = look(&stage, PIPELINES).await;
    assert_eq!(ids(&page), [second.clone(), first.clone()]);
    let line = &page["pipelines"][1];
    assert_eq!((&line["name"], &line["labels"]["env"]), (&json!("etl"), &json!("test")));
    assert_eq!((&line["members"]["total"], &line["members"]["cancelled"]), (&json!(4), &json!(4)));
    let running =
        look(&stage, &format!("{PIPELINES}?status=running&label.env=test&name=etl")).await;
    assert_eq!(ids(&running), [second]);
    let one = look(&stage, &format!("{PIPELINES}?limit=1")).await;
    let next = one["next"].as_str().unwrap();
    assert_eq!(ids(&look(&stage, &format!("{PIPELINES}?cursor={next}")).await), [first]);
    // Lists and counts of tasks know tasks, unless they are asked for others.
    assert_eq!(look(&stage, "/api/v1/tasks").await["tasks"].as_array().unwrap().len(), 8);
    assert_eq!(look(&stage, "/api/v1/tasks/count?kind=pipeline").await["count"], 2);
    let wrong = stage.ask("GET", "/api/v1/tasks?kind=batches", "").await;
    assert_eq!(wrong.problem().2.as_deref(), Some("kind"));
}

#[tokio::test]
async fn what_is_wrong_with_a_pipeline_is_named_and_nothing_is_stored() {
    let stage = Stage::new().await;
    let of = |stages: &str| format!(r#"{{"name":"p","stages":[{stages}]}}"#);
    let told = |reply: &Reply| {
        let (status, code, field) = reply.problem();
        (status, code, field, reply.json()["detail"].as_str().unwrap().to_owned())
    };
    for (body, field, names) in [
        (
            of(
                r#"{"name":"a","depends_on":["c"]},{"name":"b","depends_on":["a"]},{"name":"c","depends_on":["b"]}"#,
            ),
            "depends_on",
            "→",
        ),
        (of(r#"{"name":"a","depends_on":["a"]}"#), "depends_on", "itself"),
        (of(r#"{"name":"a","depends_on":["x"]}"#), "depends_on", "\"x\""),
        (of(r#"{"name":"a"},{"name":"a"}"#), "name", "\"a\""),
        (of(r#"{"name":""}"#), "stages[0].name", "1 to 128"),
        (of(r#"{"name":"a","priority":9}"#), "stages[0].priority", "9"),
        (of(r#"{"name":"a","idempotency_key":"k"}"#), "stages[0].idempotency_key", "whole"),
        (of(""), "stages", "1 to"),
        (r#"{"name":"p"}"#.to_owned(), "stages", "must be given"),
        (r#"{"stages":[]}"#.to_owned(), "name", "must be given"),
        ("[]".to_owned(), "body", "object"),
    ] {
        let reply = stage.ask("POST", PIPELINES, &body).await;
        let (status, code, named, detail) = told(&reply);
        assert_eq!(
            (status, code.as_str(), named.as_deref()),
            (400, "invalid_argument", Some(field)),
            "{body}"
        );
        assert!(detail.contains(names), "{body}: {detail}");
    }
    let reply = stage.ask("POST", PIPELINES, &of(r#"{"name":"a","payload":{"b":1,"b":2}}"#)).await;
    assert_eq!(reply.problem(), (400, "invalid_payload".into(), Some("stages[0].payload".into())));
    let large = "x".repeat(2 << 20);
    let reply =
        stage.ask("POST", PIPELINES, &of(&format!(r#"{{"name":"a","payload":"{large}"}}"#))).await;
    assert_eq!(
        reply.problem(),
        (413, "payload_too_large".into(), Some("stages[0].payload".into()))
    );
    let small = Stage::with(|options| options.body_limit = 1 << 10).await;
    let reply = small
        .ask("POST", PIPELINES, &of(&format!(r#"{{"name":"{}"}}"#, "x".repeat(2 << 10))))
        .await;
    assert_eq!(reply.problem(), (413, "payload_too_large".into(), Some("body".into())));
    assert_eq!(look(&stage, "/api/v1/tasks/count").await["count"], 0);
    assert_eq!(look(&stage, PIPELINES).await["pipelines"], json!([]));
}

#[tokio::test]
async fn a_key_of_body_or_header_stands_for_the_whole_pipeline() {
    let stage = Stage::new().await;
    let key = [("idempotency-key", "\"etl-1\"")];
    let body = etl();
    let first = stage.ask_with("POST", PIPELINES, &key, &body.to_string()).await;
    let mut keyed = body.clone();
    keyed["idempotency_key"] = json!("etl-1");
    let second = stage.ask("POST", PIPELINES, &keyed.to_string()).await;
    assert_eq!((first.status, second.status), (201, 200), "{second:?}");
    let (first, second) = (first.json(), second.json());
    assert_eq!(second["deduplicated"], json!(true));
    assert_eq!(
        (&second["pipeline_id"], &second["task_ids"]),
        (&first["pipeline_id"], &first["task_ids"])
    );
    let mut other = keyed.clone();
    other["stages"][3]["depends_on"] = json!(["clean"]);
    let conflict = stage.ask("POST", PIPELINES, &other.to_string()).await;
    assert_eq!(
        (conflict.problem().0, conflict.problem().1.as_str()),
        (422, "idempotency_conflict")
    );
    let both =
        stage.ask_with("POST", PIPELINES, &[("idempotency-key", "x")], &keyed.to_string()).await;
    assert_eq!(both.problem().2.as_deref(), Some("idempotency_key"));
    assert_eq!(look(&stage, "/api/v1/tasks/count?kind=pipeline").await["count"], 1);
}

#[tokio::test]
async fn another_tenant_s_pipeline_is_not_there() {
    let stage = Stage::new().await;
    let stored = submitted(&stage).await;
    let id = stored["pipeline_id"].as_str().unwrap();
    let member = stored["task_ids"][0].as_str().unwrap();
    let other = [("windlass-tenant", "other")];
    for (method, rest) in [("GET", ""), ("GET", "/events"), ("POST", "/cancel"), ("POST", "/retry")]
    {
        for id in [id, member, "none"] {
            // A stage is no pipeline, whoever asks.
            let tenant = if id == member { &other[..0] } else { &other[..] };
            let reply =
                stage.ask_with(method, &format!("{PIPELINES}/{id}{rest}"), tenant, "").await;
            assert_eq!(
                (reply.problem().0, reply.problem().1.as_str()),
                (404, "pipeline_not_found"),
                "{method} {id}{rest}"
            );
        }
    }
    let page = stage.ask_with("GET", PIPELINES, &other, "").await.json();
    assert_eq!(page, json!({ "pipelines": [], "next": null }));
    let names =
        stage.ask_with("GET", &format!("/api/v1/tasks/{member}/upstream"), &other, "").await;
    assert_eq!(names.problem().1, "task_not_found");
    assert_eq!(look(&stage, &format!("{PIPELINES}/{id}")).await["status"], "running");
}
