//! `doctor` and `migrate`.

use serde_json::{Value, json};

use crate::stage::{Stage, complete, fail, finish, perform, submit};

fn check<'a>(report: &'a Value, name: &str) -> &'a Value {
    let checks = report["checks"].as_array().expect("checks");
    checks.iter().find(|check| check["name"] == name).unwrap_or_else(|| panic!("{name}: {report}"))
}

#[test]
fn a_healthy_store_passes_every_check() {
    let (stage, ()) = Stage::with(async |client| {
        submit(&client, "t", "null").await;
        perform(&client, "t", complete("1")).await;
    });
    let ran = stage.run(&["doctor", "-o", "json"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let report = ran.json();
    assert_eq!(report["ok"], json!(true));
    for name in [
        "url",
        "location",
        "permissions",
        "side files",
        "schema",
        "open",
        "clock",
        "tasks",
        "workers",
        "untaken",
        "pending",
    ] {
        assert_eq!(check(&report, name)["status"], json!("ok"), "{name}: {report}");
    }
    let at = check(&report, "location")["detail"].as_str().unwrap();
    assert!(at.starts_with('/') && at.contains("windlass.db"), "absolute: {at}");
    let text = stage.run(&["doctor"]);
    assert_eq!(text.code, 0);
    // Where temporary files lie in memory, doctor says so, with a hint on a line of its own.
    let mut lines = text.out.lines().filter(|line| !line.contains("durability"));
    assert!(
        lines.all(|line| line.starts_with("ok  ") || line.contains("move it to")),
        "{}",
        text.out
    );
    assert!(["ok", "warn"].contains(&check(&report, "durability")["status"].as_str().unwrap()));
}

#[test]
fn failed_and_waiting_tasks_are_warnings_with_what_to_do() {
    let (stage, ()) = Stage::with(async |client| {
        submit(&client, "t", "null").await;
        perform(&client, "t", fail("boom")).await;
        submit(&client, "t", "null").await;
    });
    let ran = stage.run(&["doctor", "-o", "json"]);
    assert_eq!(ran.code, 0, "a warning is no failure: {ran:?}");
    let report = ran.json();
    assert_eq!(check(&report, "tasks")["status"], json!("warn"));
    assert!(check(&report, "tasks")["hint"].as_str().unwrap().contains("--status failed"));
    assert_eq!(check(&report, "workers")["status"], json!("warn"));
    assert!(check(&report, "workers")["hint"].as_str().unwrap().contains("windlass worker"));
}

#[test]
fn a_paused_queue_is_a_warning_and_what_waits_in_it_is_not() {
    let stage = Stage::empty();
    old_tasks(&stage, &[("old", 8 * 3600)]);
    assert_eq!(stage.run(&["queues", "pause", "default"]).code, 0);
    let report = stage.run(&["doctor", "-o", "json"]).json();
    let queues = check(&report, "queues");
    assert_eq!(queues["status"], json!("warn"), "{report}");
    assert!(queues["hint"].as_str().unwrap().ends_with("windlass queues resume default"));
    let pending = check(&report, "pending");
    assert_eq!(pending["status"], json!("ok"), "it waits on purpose: {report}");
    assert_eq!(pending["detail"], json!("nothing waits but in paused queues"));
}

#[test]
fn a_task_that_waits_for_hours_is_named() {
    let stage = Stage::empty();
    let ids =
        old_tasks(&stage, &[("new", 0), ("old", 8 * 3600), ("older", 9 * 3600), ("newer", 60)]);
    let report = stage.run(&["doctor", "-o", "json"]).json();
    let pending = check(&report, "pending");
    assert_eq!(pending["status"], json!("warn"));
    assert!(pending["detail"].as_str().unwrap().contains(&ids[2]), "{pending} {ids:?}");
    assert!(pending["detail"].as_str().unwrap().contains("9h ago"), "{pending}");
}

#[test]
fn queues_whose_tasks_no_live_worker_takes_are_named() {
    let stage = Stage::empty();
    old_tasks(&stage, &[("resize", 60)]);
    let detail = json!("no live worker takes all that waits in: default");
    let report = stage.run(&["doctor", "-o", "json"]).json();
    let untaken = check(&report, "untaken");
    assert_eq!((&untaken["status"], &untaken["detail"]), (&json!("warn"), &detail), "{report}");
    assert_eq!(check(&report, "workers")["detail"], json!("none live; pending tasks: 1"));

    let worker = json!({
        "worker_id": "w", "queues": ["default"], "handlers": ["send"], "concurrency": 1, "host": "h",
    });
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let client = windlass::connect(&stage.url()).await.unwrap();
        let worker = serde_json::from_value(worker).unwrap();
        client.service().announce("default", worker).await.unwrap();
        client.close().await.unwrap();
    });
    let report = stage.run(&["doctor", "-o", "json"]).json();
    assert_eq!(check(&report, "workers")["status"], json!("ok"), "{report}");
    let untaken = check(&report, "untaken");
    assert_eq!((&untaken["status"], &untaken["detail"]), (&json!("warn"), &detail), "{report}");
    assert!(untaken["hint"].as_str().unwrap().contains("windlass tasks why"));
}

/// Tasks that were submitted some seconds ago, oldest first by the store's own rule for ids.
fn old_tasks(stage: &Stage, tasks: &[(&str, u64)]) -> Vec<String> {
    use std::sync::Arc;
    use std::time::Duration;
    use windlass::{Clock, ConnectOptions, ManualClock, SystemClock};
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let now = SystemClock.now();
    let submit_at = |(task_type, age): &(&str, u64)| {
        let clock: Arc<dyn Clock> =
            Arc::new(ManualClock::new(now.before(Duration::from_secs(*age))));
        runtime.block_on(async {
            let options = ConnectOptions { clock: Some(clock), ..Default::default() };
            let client = windlass::connect_with(&stage.url(), options).await.unwrap();
            let id = submit(&client, task_type, "null").await.to_string();
            client.close().await.unwrap();
            id
        })
    };
    tasks.iter().map(submit_at).collect()
}

#[test]
fn what_cannot_work_fails_with_1_and_a_hint() {
    let stage = Stage::empty();
    let ran = stage.run(&["doctor"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(
        ran.out.contains("fail  location ") && ran.out.contains("there is no store at /"),
        "{}",
        ran.out
    );
    assert!(!stage.file("windlass.db").exists());

    std::fs::write(stage.file("notes.txt"), "notes, and long enough for a header".repeat(20))
        .unwrap();
    std::fs::create_dir(stage.file("folder")).unwrap();
    for (url, failing) in [
        ("sqlite:notes.txt", "schema"),
        ("sqlite:folder", "location"),
        ("sqlite:none/x.db", "location"),
        ("ftp://x", "open"),
    ] {
        let ran = stage.run(&["doctor", "--url", url, "-o", "json"]);
        assert_eq!(ran.code, 1, "{url}: {ran:?}");
        let report = ran.json();
        assert_eq!(report["ok"], json!(false));
        assert_eq!(check(&report, failing)["status"], json!("fail"), "{url}: {report}");
        assert!(check(&report, failing)["hint"].is_string(), "{url}: {report}");
    }
}

#[test]
fn doctor_leaves_an_empty_file_as_it_is_and_migrate_fills_it() {
    let stage = Stage::empty();
    std::fs::write(stage.file("windlass.db"), "").unwrap();
    let report = stage.run(&["doctor", "-o", "json"]).json();
    assert_eq!(check(&report, "schema")["status"], json!("warn"), "{report}");
    assert!(check(&report, "schema")["hint"].as_str().unwrap().contains("windlass migrate"));

    let plan = stage.run(&["migrate", "--dry-run", "-o", "json"]);
    assert_eq!(plan.code, 0, "{plan:?}");
    let plan = plan.json();
    assert_eq!((&plan["found"], &plan["dry_run"]), (&json!(0), &json!(true)));
    assert_eq!(plan["steps"][0]["version"], json!(1));
    assert!(plan["steps"][0]["sql"].as_str().unwrap().contains("CREATE TABLE tasks"));
    assert_eq!(std::fs::metadata(stage.file("windlass.db")).unwrap().len(), 0, "only shown");

    let done = stage.run(&["migrate"]);
    assert_eq!(done.code, 0, "{done:?}");
    assert!(done.out.contains("was brought from schema 0 to"), "{}", done.out);
    let again = stage.run(&["migrate"]);
    assert!(again.code == 0 && again.out.contains("nothing to do"), "{again:?}");
    assert_eq!(stage.run(&["doctor", "-o", "json"]).json()["ok"], json!(true));
}

#[test]
fn migrate_of_what_is_no_store_is_refused() {
    let stage = Stage::empty();
    std::fs::write(stage.file("notes.txt"), "notes, and long enough for a header".repeat(20))
        .unwrap();
    let ran = stage.run(&["migrate", "--url", "sqlite:notes.txt"]);
    assert_eq!((ran.code, ran.error_code().as_str()), (4, "invalid_store"), "{ran:?}");
    assert_eq!(stage.run(&["migrate", "--url", "memory:"]).code, 0);
    assert_eq!(stage.run(&["migrate", "--url", "postgres://x/y"]).code, 2);
    let ran = stage.run(&["migrate", "--url", "http://me:secret@127.0.0.1:1"]);
    assert_eq!((ran.code, ran.error_code().as_str()), (2, "invalid_argument"), "{ran:?}");
    assert!(ran.err.contains("is a server") && !ran.err.contains("secret"), "{ran:?}");
}

#[cfg(unix)]
#[test]
fn a_file_that_every_user_may_write_is_a_warning() {
    use std::os::unix::fs::PermissionsExt;
    let (stage, ()) = Stage::with(async |client| {
        submit(&client, "t", "null").await;
    });
    let mode = std::fs::Permissions::from_mode(0o666);
    std::fs::set_permissions(stage.file("windlass.db"), mode).unwrap();
    let ran = finish(stage.command(&["doctor", "-o", "json"]));
    let report = ran.json();
    assert_eq!(check(&report, "permissions")["status"], json!("warn"), "{report}");
    assert!(check(&report, "permissions")["hint"].as_str().unwrap().starts_with("chmod o-w"));
}
