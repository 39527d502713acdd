//! Health, readiness, and who may read the metrics.

use serde_json::json;

use crate::stage::{BOTH, Kind, Stage};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ready_is_what_can_lease() {
    for kind in BOTH {
        let stage = Stage::new(kind).await;
        let stored = stage.post("/api/v1/tasks", json!({"task_type": "send"})).await;
        for path in ["/health/ready", "/api/v1/health/ready", "/health/live", "/api/v1/health/live"]
        {
            assert_eq!(stage.get(path).await, json!({"status": "ok"}), "{kind:?} {path}");
        }
        let id = stored["task_id"].as_str().unwrap();
        let task = stage.get(&format!("/api/v1/tasks/{id}")).await;
        assert_eq!(task["status"], "pending", "the question takes no task");

        stage.client.close().await.unwrap();
        for path in ["/health/ready", "/api/v1/health/ready"] {
            let reply = stage.ask("GET", path, None).await;
            assert_eq!(reply.status, 503, "{kind:?} {path}");
            assert_eq!(reply.header("content-type"), Some("application/problem+json"));
            assert_eq!(reply.json()["code"], "client_closed", "{kind:?} {path}");
        }
        assert_eq!(stage.get("/health/live").await, json!({"status": "ok"}));
        // Counters are told without a store, gauges are not made up.
        let scrape = stage.scrape().await;
        assert_eq!(scrape.value("windlass_store_reachable", &[]), 0.0, "{kind:?}");
        assert_eq!(scrape.find("windlass_worker_slots", &[("state", "free")]), None);
        let submitted = [("queue", "default")];
        assert_eq!(scrape.value("windlass_tasks_submitted_total", &submitted), 1.0);
        // A lease before it closed, and two after.
        let failed = [("operation", "lease")];
        assert_eq!(scrape.value("windlass_store_errors_total", &failed), 2.0, "{kind:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_says_who_answers() {
    let stage = Stage::new(Kind::Memory).await;
    let now = stage.now().to_string();
    for path in ["/health", "/api/v1/health"] {
        let health = stage.get(path).await;
        assert_eq!(
            health,
            json!({
                "status": "ok", "healthy": true, "version": env!("CARGO_PKG_VERSION"),
                "api": "v1", "time": now, "location": "memory",
            }),
            "{path}"
        );
    }
    let reply = stage.ask("GET", "/health?verbose=1", None).await;
    assert_eq!(
        (reply.status, reply.json()["error"]["details"]["field"].as_str()),
        (400, Some("verbose"))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_need_the_key_and_health_does_not() {
    let stage = Stage::with(Kind::Sqlite, Some("a-key-of-some-length")).await;
    let reply = stage.send("GET", "/metrics", None, "").await;
    assert_eq!((reply.status, reply.json()["code"].as_str()), (401, Some("authentication_failed")));
    let reply = stage.ask("GET", "/metrics", None).await;
    let kind = reply.header("content-type").unwrap();
    assert_eq!(
        (reply.status, kind),
        (200, "application/openmetrics-text; version=1.0.0; charset=utf-8")
    );
    for path in ["/health", "/health/live", "/health/ready", "/api/v1/health"] {
        assert_eq!(stage.send("GET", path, None, "").await.status, 200, "{path}");
    }
    let health = stage.send("GET", "/health", None, "").await;
    assert_eq!(health.json()["location"], "sqlite", "no path of this machine to who has no key");
    let cluster = stage.send("GET", "/api/v1/cluster/health", None, "").await;
    assert_eq!(cluster.status, 401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_cluster_s_health_counts_what_the_client_counts() {
    // GPY-07, GPY-08, GPY-09
    for kind in BOTH {
        let stage = Stage::new(kind).await;
        let task =
            |delay: f64| json!({"task_type": "send", "queue": "mail", "delay_seconds": delay});
        let tasks = json!({"tasks": [task(0.0), task(0.0), task(60.0)]});
        stage.post("/api/v1/tasks/bulk", tasks).await;
        stage.announce("w", "send", 1).await;
        stage.pass(1.5);
        let one = json!({
            "worker": "w", "queues": ["mail"], "handlers": ["send"], "limit": 1, "lease_seconds": 60,
        });
        stage.post("/api/v1/leases", one).await;
        let health = stage.get("/api/v1/cluster/health").await;
        assert_eq!(
            health,
            json!({
                "healthy": true, "status": "ok",
                "nodes": {"active": 1, "total": 1},
                "queue": {"depth": 2, "pending": 1, "running": 1, "oldest_age_seconds": 1.5,
                          "untaken": []},
                "workers": {"live": 1, "deaf": 0},
            }),
            "{kind:?}"
        );
        let counted = stage.client.cluster_health().await.unwrap();
        assert_eq!(serde_json::to_value(counted).unwrap(), health, "{kind:?}");
        let scrape = stage.scrape().await;
        let slots = |state| scrape.value("windlass_worker_slots", &[("state", state)]);
        assert_eq!((slots("used"), slots("free")), (1.0, 1.0), "{kind:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_is_not_untaken_for_a_task_that_has_just_become_due() {
    for kind in BOTH {
        let stage = Stage::new(kind).await;
        let tasks = [
            json!({"queue": "mail", "task_type": "send"}),
            json!({"queue": "mail", "task_type": "resize", "delay_seconds": 20}),
        ];
        stage.post("/api/v1/tasks/bulk", json!({"tasks": tasks})).await;
        let untaken = async || {
            stage.announce("w", "send", 0).await;
            stage.client.sweep().await.unwrap();
            let health = stage.get("/api/v1/cluster/health").await;
            (health["queue"]["pending"].clone(), health["queue"]["untaken"].clone())
        };
        stage.pass(20.0);
        assert_eq!(untaken().await, (json!(2), json!([])), "{kind:?}: due, and for no time yet");
        stage.pass(14.9);
        assert_eq!(untaken().await, (json!(2), json!([])), "{kind:?}");
        stage.pass(0.1);
        assert_eq!(untaken().await, (json!(2), json!(["mail"])), "{kind:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_whose_tasks_no_live_worker_takes_is_untaken() {
    for kind in BOTH {
        let stage = Stage::new(kind).await;
        let task = |queue: &str, task_type: &str| json!({"queue": queue, "task_type": task_type});
        let tasks = [
            task("mail", "resize"),
            task("images", "resize"),
            task("held", "resize"),
            task("well", "send"),
        ];
        stage.post("/api/v1/tasks/bulk", json!({"tasks": tasks})).await;
        stage.post("/api/v1/queues/held/pause", json!({})).await;
        let announced = json!({
            "worker_id": "w", "queues": ["mail", "held", "well"], "handlers": ["send"],
            "concurrency": 1, "host": "h", "holds": 1,
        });
        stage.post("/api/v1/workers", announced.clone()).await;
        stage.pass(14.9);
        let health = stage.get("/api/v1/cluster/health").await;
        let early = (&health["status"], &health["queue"]["untaken"]);
        assert_eq!(early, (&json!("ok"), &json!([])), "{kind:?}: a worker may just be starting");
        // A worker that takes from the queue, but has no handler for what waits there longest.
        stage.pass(0.1);
        stage.post("/api/v1/workers", announced).await;
        stage.post("/api/v1/tasks", task("mail", "send")).await;
        let health = stage.get("/api/v1/cluster/health").await;
        let mut untaken: Vec<_> = health["queue"]["untaken"].as_array().unwrap().to_vec();
        untaken.sort_by_key(ToString::to_string);
        assert_eq!(json!(untaken), json!(["images", "mail"]), "{kind:?}");
        assert_eq!(health["status"], "degraded", "{kind:?}");
        let counted = stage.client.cluster_health().await.unwrap();
        assert_eq!(serde_json::to_value(counted).unwrap(), health, "{kind:?}");
    }
}
