//! Every command against a server's URL: the same as on the file behind it.

use serde_json::{Value, json};

use crate::stage::{Ran, Serving, Stage, complete, fail, finish, perform, submit};

const UNKNOWN: &str = "019a0d5e-8f6b-7000-8000-000000000001";

/// A store with a completed, a failed and a pending task of the tenant, and a server on it.
fn served() -> (Stage, Serving, [String; 3]) {
    let (stage, ids) = Stage::with(async |client| {
        submit(&client, "a", "[1]").await;
        let done = perform(&client, "a", complete(r#"{"width": 320}"#)).await;
        submit(&client, "b", "[2]").await;
        let failed = perform(&client, "b", fail("boom")).await;
        [done, failed, submit(&client, "c", "[3]").await].map(|id| id.to_string())
    });
    let serving = Serving::on(&stage, &[], &[]);
    (stage, serving, ids)
}

fn at(stage: &Stage, url: &str, args: &[&str]) -> Ran {
    let mut command = stage.command(args);
    command.env("WINDLASS_URL", url);
    finish(command)
}

#[test]
fn what_is_read_through_a_server_is_what_the_file_says() {
    let (stage, serving, [done, failed, pending]) = served();
    let same: [&[&str]; 16] = [
        &["tasks", "ls", "-o", "json"],
        &["tasks", "ls", "-q", "--status", "failed"],
        &["tasks", "ls", "--error", "boom", "--type", "b", "-q"],
        &["tasks", "get", &done, "-o", "json"],
        &["tasks", "get", &failed, "--show-payload"],
        &["tasks", "watch", &done, "-o", "json"],
        &["tasks", "watch", &failed],
        &["tasks", "watch", &done, "-o", "json", "--after", "3"],
        &["tasks", "logs", &done],
        &["tasks", "logs", &failed, "--follow", "--level", "warning"],
        &["tasks", "why", &pending, "-o", "json"],
        &["tasks", "get", UNKNOWN],
        &["tasks", "cancel", "nonsense"],
        &["batches", "get", UNKNOWN],
        &["queues", "ls", "-o", "json"],
        &["workers", "ls", "-o", "json"],
    ];
    for args in same {
        let (file, remote) = (stage.run(args), at(&stage, serving.url(), args));
        // How long ago something was moves on between the two.
        let still = |text: &str| {
            let keep = |line: &&str| !line.contains(" ago)") && !line.contains("(now)");
            text.lines().filter(keep).map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(
            (file.code, still(&file.out)),
            (remote.code, still(&remote.out)),
            "{args:?}: {remote:?}"
        );
        assert_eq!(file.error_code(), remote.error_code(), "{args:?}");
    }
}

#[test]
fn what_is_changed_through_a_server_is_changed_in_the_file() {
    let (stage, serving, [_, failed, pending]) = served();
    let run = |args: &[&str]| at(&stage, serving.url(), args);
    let stored =
        run(&["tasks", "submit", "d", "{\"n\": 1.10}", "--label", "env=prod", "--key", "k"]);
    assert_eq!(stored.code, 0, "{stored:?}");
    assert_eq!(run(&["tasks", "submit", "d", "{\"n\": 1.10}", "--key", "k"]).out, stored.out);
    let conflict = run(&["tasks", "submit", "d", "2", "--key", "k"]);
    assert_eq!((conflict.code, conflict.error_code().as_str()), (1, "idempotency_conflict"));
    let batch = run(&["tasks", "submit", "--batch", "-"]);
    assert_eq!(batch.code, 2, "nothing on standard input: {batch:?}");
    assert_eq!(run(&["tasks", "cancel", &pending]).out, format!("{pending}  cancelled\n"));
    assert_eq!(run(&["tasks", "retry", &failed]).out, format!("{failed}  pending\n"));
    let again = run(&["tasks", "retry", &failed]);
    assert_eq!((again.code, again.error_code().as_str()), (1, "invalid_transition"), "{again:?}");
    let paused = run(&["queues", "pause", "default", "-o", "json"]).json();
    assert_eq!(paused["paused"], json!(true));
    stage.on_store(async |client| {
        let task = client.get(stored.out.trim()).await.unwrap();
        assert_eq!(task.payload.as_str(), "{\"n\": 1.10}", "byte for byte");
        assert_eq!(client.get(&pending).await.unwrap().status.as_str(), "cancelled");
        assert_eq!(client.get(&failed).await.unwrap().status.as_str(), "pending");
        assert!(client.queues().await.unwrap()[0].paused);
    });
    assert_eq!(run(&["queues", "resume", "default", "-o", "json"]).json()["paused"], json!(false));
}

#[test]
fn a_task_is_awaited_through_a_server() {
    let (stage, serving, _) = served();
    let mut command = stage.command(&["tasks", "submit", "w", "--wait", "--url", serving.url()]);
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let child = command.spawn().unwrap();
    stage.on_store(async |client| {
        while client
            .counts()
            .await
            .unwrap()
            .iter()
            .all(|c| c.status.as_str() != "pending" || c.count < 2)
        {
            tokio::task::yield_now().await;
        }
        perform(&client, "w", complete("[7]")).await;
    });
    let ran = crate::stage::end(child);
    assert_eq!((ran.code, ran.out.as_str()), (0, "[7]\n"), "{ran:?}");
}

#[test]
fn batches_go_through_a_server() {
    let (stage, serving, _) = served();
    let lines = b"{\"task_type\": \"x\"}\n{\"task_type\": \"x\"}\n";
    let stored =
        stage.run_with(&["tasks", "submit", "--batch", "-", "--url", serving.url()], lines);
    assert_eq!(stored.code, 0, "{stored:?}");
    let id = stored.out.trim();
    let shown = at(&stage, serving.url(), &["batches", "get", id, "-o", "json"]).json();
    assert_eq!((&shown["total"], &shown["status"]), (&json!(2), &json!("pending")));
    let cancelled = at(&stage, serving.url(), &["batches", "cancel", id, "-o", "json"]).json();
    assert_eq!(cancelled["status"], json!("cancelled"));
    let watched = at(&stage, serving.url(), &["batches", "watch", id, "-o", "json"]);
    assert_eq!((watched.code, watched.json_lines().len()), (1, 1), "{watched:?}");
}

#[test]
fn doctor_looks_at_a_server_and_migrate_refuses_it() {
    let (stage, serving, _) = served();
    let ran = at(&stage, serving.url(), &["doctor", "-o", "json"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let report = ran.json();
    let check = |name: &str| {
        let checks = report["checks"].as_array().unwrap();
        checks.iter().find(|c| c["name"] == name).unwrap_or_else(|| panic!("{name}: {report}"))
    };
    for name in ["url", "server", "ready", "clock", "queues"] {
        assert_eq!(check(name)["status"], json!("ok"), "{name}: {report}");
    }
    assert!(check("server")["detail"].as_str().unwrap().contains(env!("CARGO_PKG_VERSION")));
    assert_eq!(check("workers")["status"], json!("warn"), "one task waits: {report}");
    let text = ran.out;
    assert!(!text.contains("permissions") && !text.contains("schema"), "no file: {text}");

    let ran = at(&stage, serving.url(), &["migrate"]);
    assert_eq!((ran.code, ran.error_code().as_str()), (2, "invalid_argument"), "{ran:?}");
    assert!(ran.err.contains("is a server"), "{ran:?}");
}

#[test]
fn a_server_that_is_not_there_or_is_none_is_told() {
    let stage = Stage::empty();
    // A port that was free a moment ago: nobody listens there.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{free}");
    for args in [&["tasks", "ls"][..], &["queues", "ls"], &["tasks", "submit", "t"]] {
        let ran = at(&stage, &url, args);
        assert_eq!((ran.code, ran.error_code().as_str()), (4, "store_unavailable"), "{ran:?}");
        assert!(ran.err.contains(&free.to_string()) && ran.err.contains("doctor"), "{ran:?}");
    }
    let ran = at(&stage, &url, &["doctor", "-o", "json"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    let report = ran.json();
    let server =
        report["checks"].as_array().unwrap().iter().find(|c| c["name"] == "server").unwrap();
    assert_eq!(server["status"], json!("fail"), "{report}");
    assert!(server["hint"].as_str().unwrap().contains("windlass serve"), "{report}");
    for url in ["http://user:pw@127.0.0.1:1", "http://"] {
        let ran = at(&stage, url, &["tasks", "ls"]);
        assert_eq!((ran.code, ran.error_code().as_str()), (4, "invalid_url"), "{ran:?}");
        assert!(!ran.err.contains("pw@"), "{ran:?}");
    }
}

#[test]
fn tenants_are_kept_apart_through_a_server() {
    let (stage, serving, [done, ..]) = served();
    let run = |tenant: &str, args: &[&str]| {
        let mut command = stage.command(args);
        command.env("WINDLASS_URL", serving.url()).env("WINDLASS_TENANT_ID", tenant);
        finish(command)
    };
    assert_eq!(run("default", &["tasks", "get", &done]).code, 0);
    let other = run("other", &["tasks", "get", &done]);
    assert_eq!((other.code, other.error_code().as_str()), (3, "task_not_found"), "{other:?}");
    let listed: Value = run("other", &["tasks", "ls", "-o", "json"]).json();
    assert_eq!(listed["tasks"], json!([]));
    // The option wins over the variable.
    assert_eq!(run("other", &["tasks", "get", &done, "--tenant", "default"]).code, 0);
}

#[test]
fn what_follows_waits_for_a_server_that_is_started_again() {
    let (stage, serving, [.., pending]) = served();
    let (url, listen) = (serving.url().to_owned(), serving.url()["http://".len()..].to_owned());
    let batch = stage.on_store(async |client| {
        let options = windlass::SubmitOptions { batch: true, ..Default::default() };
        let spec = windlass::TaskSpec::new("c", windlass::Payload::null());
        client.submit_many(vec![spec], options).await.unwrap()[0].batch_id.unwrap().to_string()
    });
    let start = |args: &[&str]| {
        let mut command = stage.command(&[args, &["-o", "json", "--url", &url]].concat());
        let (out, err) = (std::process::Stdio::piped(), std::process::Stdio::piped());
        let mut child = command.stdout(out).stderr(err).spawn().unwrap();
        let mut out = std::io::BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        std::io::BufRead::read_line(&mut out, &mut line).unwrap();
        assert!(line.contains("pending"), "it follows: {line}");
        (child, out)
    };
    let watches = [start(&["tasks", "watch", &pending]), start(&["batches", "watch", &batch])];
    drop(serving); // as kill -9 does
    stage.on_store(async |client| {
        perform(&client, "c", complete("1")).await;
        perform(&client, "c", complete("2")).await;
    });
    let mut command = stage.command(&["serve", "--listen", &listen, "-o", "json"]);
    command.env("WINDLASS_LOG_LEVEL", "off");
    let serving = Serving::start(command);
    for (child, mut out) in watches {
        let mut rest = String::new();
        std::io::Read::read_to_string(&mut out, &mut rest).unwrap();
        let ran = crate::stage::end(child);
        assert_eq!(ran.code, 0, "{rest} {ran:?}");
        assert!(rest.lines().last().unwrap().contains("completed"), "{rest}");
    }
    drop(serving);
}

#[test]
fn a_server_with_a_certificate_is_reached_by_https() {
    let stage = Stage::empty();
    let tls = concat!(env!("CARGO_MANIFEST_DIR"), "/../client-rest/tests/client/tls");
    let files =
        ["--tls-cert", &format!("{tls}/server.pem"), "--tls-key", &format!("{tls}/server.key")];
    let serving = Serving::on(&stage, &files, &[]);
    assert!(serving.url().starts_with("https://127.0.0.1:"), "{}", serving.url());
    let ls = |authorities: &str| {
        let mut command = stage.command(&["tasks", "ls", "--url", serving.url(), "-o", "json"]);
        command.env("WINDLASS_CA_FILE", authorities);
        finish(command)
    };
    assert_eq!(ls(&format!("{tls}/ca.pem")).json()["tasks"], json!([]));
    let ran = ls("");
    assert_eq!((ran.code, ran.error_code().as_str()), (4, "store_unavailable"), "{ran:?}");
    let ran = ls(&format!("{tls}/missing.pem"));
    assert_eq!((ran.code, ran.error_code().as_str()), (2, "invalid_argument"), "{ran:?}");
}

#[test]
fn a_deaf_worker_is_shown() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;
    use windlass_server::http::{ServeOptions, Server};
    use windlass_server::observe::Metrics;
    let (stage, ()) = Stage::with(async |client| {
        submit(&client, "t", "null").await;
    });
    // The server is this process's own, so that the time by which it judges is moved by hand.
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let seconds = Arc::new(AtomicU64::new(0));
    let time = seconds.clone();
    let metrics =
        Metrics::timed_by(Arc::new(move || Duration::from_secs(time.load(Ordering::SeqCst))));
    let server = runtime.block_on(async {
        let instrument = Some(metrics.instrument());
        let connect = windlass::ConnectOptions { instrument, ..Default::default() };
        let client = windlass::connect_with(&stage.url(), connect).await.unwrap();
        let options = ServeOptions {
            listen: "127.0.0.1:0".to_owned(),
            metrics: Some(metrics.clone()),
            ..ServeOptions::default()
        };
        let server = Server::start(client, options).await.unwrap();
        let worker = json!({
            "worker_id": "w-1", "queues": ["default"], "handlers": ["t"], "concurrency": 2,
            "host": "h:1", "holds": 1,
        });
        let remote = windlass::connect(&server.url()).await.unwrap();
        let info = serde_json::from_value(worker).unwrap();
        remote.service().announce("default", info).await.unwrap();
        remote.close().await.unwrap();
        server
    });
    let url = server.url();
    let listed = at(&stage, &url, &["workers", "ls"]);
    assert!(listed.out.contains("w-1") && listed.out.contains("1/2"), "{listed:?}");
    assert!(!listed.out.contains("deaf"), "{listed:?}");
    seconds.store(3_600, Ordering::SeqCst);
    let listed = at(&stage, &url, &["workers", "ls"]);
    assert!(listed.out.contains("deaf") && listed.err.contains("restart it"), "{listed:?}");
    let listed = at(&stage, &url, &["workers", "ls", "-o", "json"]).json();
    assert_eq!((&listed[0]["worker_id"], &listed[0]["deaf"]), (&json!("w-1"), &json!(true)));
    let report = at(&stage, &url, &["doctor", "-o", "json"]).json();
    let checks = report["checks"].as_array().unwrap();
    let workers = checks.iter().find(|check| check["name"] == "workers").unwrap();
    assert_eq!(workers["status"], json!("warn"), "{report}");
    assert!(workers["detail"].as_str().unwrap().contains("w-1 is deaf"), "{report}");
    runtime.block_on(async {
        server.stop();
        server.stopped().await;
    });
}

#[test]
fn what_is_no_windlass_server_is_told() {
    use std::io::{BufRead, BufReader, Write};
    let stage = Stage::empty();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    // Another program that speaks HTTP; it ends with the test's process.
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let head = BufReader::new(stream.try_clone().unwrap()).lines();
            head.map_while(Result::ok).take_while(|line| !line.is_empty()).for_each(drop);
            let _ = stream.write_all(
                b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello",
            );
        }
    });
    for args in [&["tasks", "ls"][..], &["workers", "ls"], &["events", "tail"]] {
        let ran = at(&stage, &url, args);
        assert_eq!((ran.code, ran.error_code().as_str()), (4, "api_error"), "{ran:?}");
        assert!(ran.err.contains("windlass doctor"), "{ran:?}");
    }
    let report = at(&stage, &url, &["doctor"]);
    assert_eq!(report.code, 1, "{report:?}");
    assert!(report.out.contains("is this the address of a Windlass server?"), "{report:?}");
}

#[test]
fn a_batch_beyond_the_server_s_limit_is_refused_with_what_to_do() {
    let (stage, ()) = Stage::with(async |_| {});
    let serving = Serving::on(&stage, &["--body-limit", "1KiB"], &[]);
    let lines = "{\"task_type\": \"x\"}\n".repeat(100);
    let args = ["tasks", "submit", "--batch", "-", "--url", serving.url()];
    let ran = stage.run_with(&args, lines.as_bytes());
    assert_eq!((ran.code, ran.error_code().as_str()), (2, "payload_too_large"), "{ran:?}");
    assert!(ran.err.contains("--body-limit"), "{ran:?}");
    let counts = stage.on_store(async |client| client.counts().await.unwrap());
    assert!(counts.is_empty(), "{counts:?}");
}
