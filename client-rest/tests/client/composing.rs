//! Batches, pipelines, blocks and states by HTTP: as in process, and stored once whatever is lost on the way.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use windlass::{
    BatchSpec, BlockSpec, Client, Filter, Payload, PipelineSpec, StageSpec, SubmitOptions,
    TaskKind, TaskSpec,
};
use windlass_client::{RestOptions, TextClient};
use windlass_core::runtime::host::TokioHost;

use crate::proxy::{Link, Proxy};
use crate::stage::{Stage, connect, quick, spec};

const PATIENT: SubmitOptions = SubmitOptions { batch: false, patience: Duration::from_secs(5) };

fn graph() -> PipelineSpec {
    let stage = |name: &str, depends_on: &[&str]| StageSpec {
        name: name.to_owned(),
        depends_on: depends_on.iter().map(|name| (*name).to_owned()).collect(),
        task: spec(),
    };
    PipelineSpec {
        name: "p".to_owned(),
        stages: vec![stage("a", &[]), stage("b", &["a"])],
        timeout: Some(Duration::from_secs(60)),
        ..PipelineSpec::default()
    }
}

fn steps() -> BlockSpec {
    BlockSpec {
        name: "b".to_owned(),
        strategy: "quorum".to_owned(),
        quorum: Some(1),
        steps: vec![Payload::from(json!({ "n": 1 })), Payload::from(json!(2))],
        task_type: Some("work".to_owned()),
        ..BlockSpec::default()
    }
}

/// A client of the server behind a proxy that loses the first answers, and the proxy.
async fn losing(stage: &Stage, losses: usize) -> (Client, Proxy) {
    let mut links = vec![Link::CutAfter(20); losses];
    links.push(Link::Whole);
    let proxy = Proxy::start(stage.server.address(), links).await;
    (connect(&proxy.url, quick()).await, proxy)
}

async fn count(stage: &Stage, kind: TaskKind) -> u64 {
    let filter = Filter { kind: Some(kind), ..Filter::default() };
    stage.inside.count(filter, 100).await.unwrap().count
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_stored_whole_is_stored_once_when_its_answer_is_lost() {
    let stage = Stage::new().await;
    let (client, proxy) = losing(&stage, 2).await;
    let service = client.service();
    let stored = service.submit_pipeline("default", graph(), PATIENT).await.unwrap();
    assert!(!stored.deduplicated, "it is as new as its caller thinks");
    assert_eq!((proxy.requests("POST /api/v1/pipelines "), stored.task_ids.len()), (3, 2));
    assert_eq!(count(&stage, TaskKind::Pipeline).await, 1);

    let (client, proxy) = losing(&stage, 2).await;
    let stored = client.service().submit_block("default", steps(), PATIENT).await.unwrap();
    assert!(!stored.deduplicated);
    assert_eq!(proxy.requests("POST /api/v1/parallel/execute "), 3);
    assert_eq!(count(&stage, TaskKind::Block).await, 1);

    let (client, proxy) = losing(&stage, 2).await;
    let tasks = vec![spec(), spec(), spec()];
    let batch = client.service().submit_batch("default", BatchSpec::default(), tasks, PATIENT);
    let batch = batch.await.unwrap();
    assert_eq!((batch.deduplicated, batch.submissions.len()), (false, 3));
    assert!(batch.submissions.iter().all(|one| !one.deduplicated));
    assert_eq!(proxy.requests("POST /api/v1/batches "), 3);
    // The older verb, which knows tasks only.
    let (client, _proxy) = losing(&stage, 1).await;
    let options = SubmitOptions { batch: true, ..PATIENT };
    let stored = client.submit_many(vec![spec(), spec()], options).await.unwrap();
    assert_eq!(stored.len(), 2);
    assert!(stored[0].batch_id.is_some() && stored[0].batch_id == stored[1].batch_id);
    assert_eq!(count(&stage, TaskKind::Batch).await, 2);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chunk_and_a_seal_are_asked_again_and_count_once() {
    let stage = Stage::new().await;
    let inside = stage.inside.service();
    let id = inside.open_batch("default", BatchSpec::default()).await.unwrap();
    let (client, proxy) = losing(&stage, 1).await;
    let chunk = |n: usize| vec![spec(); n];
    assert_eq!(client.service().extend_batch("default", id, 0, chunk(2)).await.unwrap(), 2);
    assert_eq!(client.service().extend_batch("default", id, 1, chunk(3)).await.unwrap(), 5);
    assert_eq!(proxy.requests("PUT "), 3);
    let (client, proxy) = losing(&stage, 2).await;
    let sealed = client.service().seal_batch("default", id, PATIENT).await.unwrap();
    assert_eq!((sealed.batch_id, sealed.submissions.len()), (id, 5));
    assert_eq!(proxy.requests(&format!("POST /api/v1/batches/{id}/seal ")), 3);
    let known: Vec<_> = sealed.submissions.iter().map(|one| one.task_id).collect();
    assert!(known.is_sorted(), "in the order of its tasks");
    assert_eq!(inside.batch("default", id).await.unwrap().total, 5);
    // Who seals twice is told, as in process.
    let twice = client.service().seal_batch("default", id, PATIENT).await.unwrap();
    assert!(twice.deduplicated && !sealed.deduplicated);
    assert!(twice.submissions.iter().map(|one| one.task_id).eq(known));
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_is_too_large_for_one_request_goes_in_chunks_and_is_one_whole() {
    let stage = Stage::new().await;
    let (client, proxy) = losing(&stage, 0).await;
    let large = Payload::new("payload", format!("\"{}\"", "x".repeat(600 << 10))).unwrap();
    let tasks: Vec<TaskSpec> = (0..32).map(|_| TaskSpec::new("work", large.clone())).collect();
    let spec = BatchSpec { name: Some("large".to_owned()), ..BatchSpec::default() };
    let stored = client.service().submit_batch("default", spec, tasks, PATIENT).await.unwrap();
    assert_eq!(stored.submissions.len(), 32);
    assert!(proxy.requests("/chunks/") >= 3, "{}", proxy.requests("/chunks/"));
    let batch = client.service().batch("default", stored.batch_id).await.unwrap();
    assert_eq!((batch.total, batch.name.as_deref()), (32, Some("large")));
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_does_not_travel_and_is_named_as_in_process() {
    let stage = Stage::new().await;
    let (client, proxy) = losing(&stage, 0).await;
    let mut pipeline = graph();
    pipeline.stages[1].task.queue.clear();
    let mut block = steps();
    block.rate_per_second = Some(f64::NAN);
    let hooks = BatchSpec { on_success: Some(spec().queue("")), ..BatchSpec::default() };
    for service in [stage.inside.service(), client.service()] {
        let field = |error: windlass::Error| {
            assert_eq!(error.code(), "invalid_argument");
            error.fields()["field"].as_str().unwrap().to_owned()
        };
        let error = service.submit_pipeline("default", pipeline.clone(), PATIENT).await;
        assert_eq!(field(error.unwrap_err()), "stages[1].queue");
        let error = service.submit_batch("default", hooks.clone(), Vec::new(), PATIENT).await;
        assert_eq!(field(error.unwrap_err()), "on_success.queue");
        let mut circle = graph();
        circle.stages[0].depends_on.push("b".to_owned());
        let error = service.submit_pipeline("default", circle, PATIENT).await;
        assert_eq!(field(error.unwrap_err()), "depends_on");
    }
    let error = client.service().submit_block("default", block, PATIENT).await.unwrap_err();
    assert_eq!(error.code(), "invalid_argument");
    assert_eq!(proxy.requests("POST "), 1, "only the circle was asked about");
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_verb_answers_as_in_process_in_words_and_as_text() {
    let stage = Stage::new().await;
    let client = stage.client().await;
    let host = Arc::new(TokioHost::new(tokio::runtime::Handle::current()));
    let url = stage.server.url();
    let texts = TextClient::new(&url, RestOptions::default(), host, "default").unwrap();
    let (inside, remote) = (stage.inside.service(), client.service());
    let read = |text: String| -> Value { serde_json::from_str(&text).unwrap() };
    let patience = PATIENT.patience;

    let record = r#"{"name":"p","stages":[{"name":"a","task_type":"work"},{"name":"b","depends_on":["a"]}]}"#;
    let stored = texts.submit_pipeline(record, patience).await.unwrap();
    let id = stored.pipeline_id;
    let words = remote.pipeline("default", id).await.unwrap();
    assert_eq!(words, inside.pipeline("default", id).await.unwrap());
    assert_eq!(read(texts.pipeline(&id.to_string()).await.unwrap()), json!(words));
    let page = read(texts.pipelines(r#"{"status":["running"],"limit":5}"#).await.unwrap());
    assert_eq!(page["pipelines"][0]["pipeline_id"], json!(id));
    let second = stored.task_ids[1];
    assert_eq!(remote.upstream_names("default", second).await.unwrap(), ["a"]);
    assert_eq!(read(texts.upstream_names(&second.to_string()).await.unwrap()), json!(["a"]));
    for name in ["x", "..", ""] {
        assert_eq!(remote.upstream("default", second, name).await.unwrap(), None, "{name}");
        assert_eq!(texts.upstream(&second.to_string(), name).await.unwrap(), None);
    }
    let unknown =
        remote.upstream("default", "019a0d5e-8f6b-7000-8000-000000000001".parse().unwrap(), "a");
    assert_eq!(unknown.await.unwrap_err().code(), "task_not_found");
    let cancelled = read(texts.cancel_pipeline(&id.to_string()).await.unwrap());
    assert_eq!(cancelled["status"], "cancelled");
    let again = read(texts.retry_pipeline(&id.to_string(), Some("a")).await.unwrap());
    assert_eq!(
        (&again["status"], &again["stages"][0]["status"]),
        (&json!("running"), &json!("pending"))
    );
    assert_eq!(
        texts.retry_pipeline(&id.to_string(), Some("x")).await.unwrap_err().code(),
        "invalid_argument"
    );
    assert_eq!(texts.pipeline("nothing").await.unwrap_err().code(), "pipeline_not_found");
    let error = remote.cancel_pipeline("default", second).await.unwrap_err();
    assert_eq!(error.code(), "pipeline_not_found");

    let block = texts
        .submit_block(r#"{"strategy":"race","steps":[1,2],"task_type":"work"}"#, patience)
        .await
        .unwrap();
    let result = remote.block("default", block.task_id).await.unwrap();
    assert_eq!((result.total_tasks, result.overall_status.as_str()), (2, "running"));
    let text = read(texts.block(&block.task_id.to_string()).await.unwrap());
    assert_eq!(text["results"], json!(result.results));
    let custom =
        texts.submit_block(r#"{"strategy":"custom","steps":[]}"#, patience).await.unwrap_err();
    assert_eq!(custom.fields()["field"], "strategy");

    let batch = texts
        .submit_batch(r#"{"name":"n","tasks":[{"task_type":"work"}],"on_complete":{}}"#, patience)
        .await
        .unwrap();
    let found = remote.batch("default", batch.batch_id).await.unwrap();
    assert_eq!(found, inside.batch("default", batch.batch_id).await.unwrap());
    assert!(found.hooks.on_complete.is_some() && found.name.as_deref() == Some("n"));
    let opened = read(texts.open_batch(r#"{"name":"n"}"#).await.unwrap());
    let opened = opened.as_str().unwrap();
    assert_eq!(texts.extend_batch(opened, 0, r#"[{},{"payload":1e2}]"#).await.unwrap(), 2);
    let wrong = texts.extend_batch(opened, 1, r#"[{},{"priority":99}]"#).await.unwrap_err();
    assert_eq!(wrong.fields()["field"], "priority");
    assert_eq!(texts.seal_batch(opened, patience).await.unwrap().submissions.len(), 2);
    let page = read(texts.batches(r#"{"name":"n"}"#).await.unwrap());
    assert_eq!(page["batches"].as_array().unwrap().len(), 2);

    assert_eq!(remote.state("default", "a/b").await.unwrap(), None);
    assert_eq!(texts.state("a/b").await.unwrap(), None);
    assert_eq!(texts.state("").await.unwrap_err().code(), "invalid_argument");
    stage.stop().await;
}

/// The names of the methods that a text declares at one level of indentation.
fn methods(text: &str) -> std::collections::BTreeSet<&str> {
    let name = |line: &'static str| line.strip_prefix("    fn ")?.split(['(', '<']).next();
    // Borrowed from the source, which lives as long as the program.
    let text: &'static str = Box::leak(text.to_owned().into_boxed_str());
    text.lines().filter_map(name).collect()
}

#[test]
fn no_verb_is_left_to_the_trait_s_default() {
    let declared = include_str!("../../../core/src/runtime/service.rs");
    let declared = methods(declared.split_once("pub trait Service").unwrap().1);
    let answered = include_str!("../../src/service.rs");
    let answered = methods(answered.split_once("impl Service for").unwrap().1);
    let missing: Vec<&str> = declared.difference(&answered).copied().collect();
    assert!(declared.len() > 35);
    // What went of every tenant is a server's own to read, and it leaves nothing out of a task.
    assert_eq!(missing, ["flow", "look"]);
}
