//! The number of series stays bounded, whatever names are used.

use serde_json::{Value, json};

use crate::stage::{Kind, Stage};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queues_beyond_two_hundred_are_one() {
    let stage = Stage::new(Kind::Memory).await;
    // Two tasks in each of 205 queues, one queue named like the sum of the others.
    let name = |n: usize| if n == 7 { "other".to_owned() } else { format!("q{n}\"\\") };
    let task = |n: usize| json!({"task_type": "t", "queue": name(n / 2)});
    let tasks: Vec<Value> = (0..410).map(task).collect();
    stage.post("/api/v1/tasks/bulk", json!({"tasks": tasks})).await;
    let scrape = stage.scrape().await;
    let queues = scrape.labels("windlass_tasks_submitted_total", "queue");
    assert_eq!(queues.len(), 201);
    // 200 have a name of their own; the one called `other` and 4 more are summed up.
    let queue = |name| [("queue", name)];
    assert_eq!(scrape.value("windlass_tasks_submitted_total", &queue("q0\"\\")), 2.0);
    assert_eq!(scrape.value("windlass_tasks_submitted_total", &queue("other")), 10.0);
    assert_eq!(scrape.sum("windlass_tasks_submitted_total"), 410.0);
    let mut depths = scrape.labels("windlass_queue_depth", "queue");
    depths.sort();
    let mut counted = queues.clone();
    counted.sort();
    assert_eq!(depths, counted, "one queue has one name in every metric");
    let pending = [("queue", "other"), ("status", "pending")];
    assert_eq!(scrape.value("windlass_queue_depth", &pending), 10.0);
    assert_eq!(scrape.sum("windlass_queue_depth"), 410.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tenants_are_summed_and_paths_are_not_labels() {
    let stage = Stage::new(Kind::Memory).await;
    for n in 0..60 {
        let task = json!({"task_type": "t", "queue": "mail"});
        let headers = format!("Windlass-Tenant: tenant-{n}\r\n");
        assert_eq!(stage.send("POST", "/api/v1/tasks", Some(task), &headers).await.status, 201);
        assert_eq!(stage.ask("GET", &format!("/nowhere/{n}"), None).await.status, 404);
    }
    let scrape = stage.scrape().await;
    assert_eq!(scrape.value("windlass_tasks_submitted_total", &[("queue", "mail")]), 60.0);
    // The default tenant, which has none, and the first 49 others are asked.
    let pending = [("queue", "mail"), ("status", "pending")];
    assert_eq!(scrape.value("windlass_queue_depth", &pending), 49.0);
    let routes = scrape.labels("windlass_http_requests_total", "route");
    assert!(routes.iter().all(|route| !route.contains("nowhere")), "{routes:?}");
    assert!(scrape.kinds().len() > 15);
}
