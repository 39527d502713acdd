//! `windlass serve` and `windlass dev`: how they start, what they say, how they end.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::stage::{Serving, Stage, end, finish};

/// The address part of `http://HOST:PORT`.
fn address(url: &str) -> &str {
    url.trim_start_matches("http://")
}

#[test]
fn serve_says_when_it_is_ready_and_a_signal_ends_it_with_0() {
    let stage = Stage::empty();
    for signal in [Signal::TERM, Signal::INT] {
        let serving = Serving::on(&stage, &[], &[]);
        let ready = serving.ready.clone();
        assert_eq!((&ready["event"], &ready["key"]), (&json!("ready"), &json!(false)), "{ready}");
        assert!(ready["store"].as_str().unwrap().contains("windlass.db"), "{ready}");
        assert_eq!(ready["version"], json!(env!("CARGO_PKG_VERSION")));
        let url = serving.url().to_owned();
        let ran = stage.run(&["tasks", "submit", "t", "--url", &url]);
        assert_eq!(ran.code, 0, "{ran:?}");
        serving.signal(signal);
        let ran = serving.end();
        assert_eq!(ran.code, 0, "{ran:?}");
        TcpStream::connect(address(&url)).expect_err("nobody listens any more");
    }
    let counts = stage.on_store(async |client| client.counts().await.unwrap());
    assert_eq!(counts[0].count, 2, "the tasks are kept");
}

#[test]
fn the_line_for_people_names_store_and_url() {
    let stage = Stage::empty();
    let mut command = stage.command(&["serve", "--listen", "127.0.0.1:0"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), Signal::TERM).unwrap();
    assert!(line.contains("windlass.db at http://127.0.0.1:"), "{line}");
    assert!(line.contains("without a key"), "{line}");
    let ran = end(child);
    assert_eq!(ran.code, 0);
    assert!(ran.err.contains("stopping"), "{ran:?}");
}

#[test]
fn dev_tells_how_to_begin_and_keeps_the_tasks() {
    let stage = Stage::empty();
    // A variable that is meant for production must not point it there.
    let mut command = stage.command(&["dev", "--port", "0"]);
    command.env("WINDLASS_STORE", "sqlite:production.db").env("WINDLASS_LISTEN", "nonsense");
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut told = String::new();
    while !told.contains("Ctrl-C") {
        assert!(out.read_line(&mut told).unwrap() > 0, "{told}");
    }
    let url = told.lines().next().unwrap().split_whitespace().last().unwrap().to_owned();
    assert!(url.starts_with("http://127.0.0.1:"), "{told}");
    for part in ["windlass.db", "curl", "windlass worker MODULE:APP --url http://127.0.0.1:"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert!(told.lines().all(|line| line.chars().count() <= 80 || line.contains(".db")), "{told}");
    let ran = stage.run(&["tasks", "submit", "thumbnail", "--url", &url]);
    assert_eq!(ran.code, 0, "{ran:?}");
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), Signal::INT).unwrap();
    assert_eq!(end(child).code, 0);
    let listed = stage.run(&["tasks", "ls", "-q"]);
    assert_eq!(listed.out, ran.out, "the default store of the other commands");
    assert!(!stage.file("production.db").exists());
}

/// The example that `dev` prints, as its reader would run it.
#[test]
fn the_example_of_dev_is_a_request_that_is_accepted() {
    let stage = Stage::empty();
    let mut command = stage.command(&["dev", "--port", "0"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut told = String::new();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    while !told.contains("Ctrl-C") {
        assert!(out.read_line(&mut told).unwrap() > 0, "{told}");
    }
    let at = told.find("curl ").expect("an example");
    let example = told[at..].split("\n\n").next().unwrap();
    let quoted: Vec<_> = example.split('\'').collect();
    let url = example.split_whitespace().nth(1).unwrap();
    let (place, path) = address(url).split_once('/').unwrap();
    let (header, body) = (quoted[1], quoted[3]);
    let mut stream = TcpStream::connect(place).unwrap();
    let length = body.len();
    write!(stream, "POST /{path} HTTP/1.1\r\nhost: {place}\r\n{header}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), Signal::TERM).unwrap();
    assert_eq!(end(child).code, 0);
}

#[test]
fn a_port_that_is_in_use_is_named_with_what_to_do() {
    let stage = Stage::empty();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let listen = format!("127.0.0.1:{port}");
    for (args, free) in [
        (&["dev", "--port", &port][..], "--port 0"),
        (&["serve", "--listen", &listen], "--listen 127.0.0.1:0"),
    ] {
        let ran = stage.run(args);
        assert_eq!((ran.code, ran.error_code().as_str()), (2, "invalid_argument"), "{ran:?}");
        assert!(ran.err.contains(&format!("{listen} is in use")), "{ran:?}");
        assert!(ran.err.contains(free), "{ran:?}");
    }
}

#[test]
fn without_a_key_only_this_machine_is_served() {
    let stage = Stage::empty();
    for listen in ["0.0.0.0:0", "[::]:0"] {
        let ran = stage.run(&["serve", "--listen", listen]);
        assert_eq!((ran.code, ran.error_code().as_str()), (2, "invalid_argument"), "{ran:?}");
        assert!(ran.err.contains("WINDLASS_SERVER_KEY"), "{ran:?}");
        assert_eq!(ran.out, "");
    }
}

#[test]
fn a_key_is_demanded_and_never_shown() {
    let stage = Stage::empty();
    std::fs::write(stage.file("server.key"), "s3cret-key\n").unwrap();
    let by_file = Serving::on(&stage, &["--api-key-file", "server.key"], &[]);
    let by_variable = Serving::on(&stage, &[], &[("WINDLASS_SERVER_KEY", "s3cret-key")]);
    for serving in [by_file, by_variable] {
        assert_eq!(serving.ready["key"], json!(true), "{}", serving.ready);
        let ls = |vars: &[(&str, &str)], args: &[&str]| {
            let mut command =
                stage.command(&[&["tasks", "ls", "--url", serving.url()], args].concat());
            command.envs(vars.iter().copied());
            finish(command)
        };
        for vars in [&[][..], &[("WINDLASS_API_KEY", "wrong")]] {
            let ran = ls(vars, &[]);
            assert_eq!(
                (ran.code, ran.error_code().as_str()),
                (4, "authentication_failed"),
                "{ran:?}"
            );
            assert!(ran.err.contains("WINDLASS_API_KEY"), "{ran:?}");
        }
        assert_eq!(ls(&[("WINDLASS_API_KEY", "s3cret-key")], &[]).code, 0);
        assert_eq!(ls(&[("WINDLASS_API_KEY_FILE", "server.key")], &[]).code, 0);
        assert_eq!(ls(&[("WINDLASS_API_KEY", "wrong")], &["--api-key-file", "server.key"]).code, 0);
        serving.signal(Signal::TERM);
        let ran = serving.end();
        assert!(ran.code == 0 && !ran.err.contains("s3cret"), "{ran:?}");
    }
}

#[test]
fn what_is_under_way_may_finish_and_a_second_signal_ends_it_now() {
    let stage = Stage::empty();
    let body = r#"{"task_type": "t"}"#;
    // A request whose body has not come yet holds the server up.
    let half = |url: &str| {
        let mut stream = TcpStream::connect(address(url)).unwrap();
        let length = body.len();
        write!(stream, "POST /api/v1/tasks HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nexpect: 100-continue\r\n\r\n").unwrap();
        // Told to go on: the request has been read as far as it was sent.
        let mut line = String::new();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        while line != "\r\n" {
            line.clear();
            assert!(reader.read_line(&mut line).unwrap() > 0);
        }
        (stream, reader)
    };
    let mut serving = Serving::on(&stage, &["--grace", "60s"], &[]);
    let (mut stream, mut reader) = half(serving.url());
    serving.signal(Signal::TERM);
    stream.write_all(body.as_bytes()).unwrap();
    let mut answer = String::new();
    reader.read_line(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    drop((stream, reader));
    assert_eq!(serving.end().code, 0);

    serving = Serving::start({
        let mut command = stage.command(&["serve", "--listen", "127.0.0.1:0", "--grace", "1h"]);
        command.env("WINDLASS_LOG_FORMAT", "json");
        command
    });
    let open = half(serving.url());
    let mut err = BufReader::new(serving.child().stderr.take().unwrap());
    serving.signal(Signal::INT);
    let mut line = String::new();
    while !line.contains("stopping") {
        line.clear();
        assert!(err.read_line(&mut line).unwrap() > 0, "it says that it stops");
    }
    serving.signal(Signal::TERM);
    assert_eq!(serving.end().code, 0, "at once, and not after an hour");
    drop(open);
}

#[test]
fn every_option_is_also_a_variable_and_explained() {
    let stage = Stage::empty();
    let vars = [
        ("WINDLASS_STORE", "sqlite:other.db"),
        ("WINDLASS_LISTEN", "127.0.0.1:0"),
        ("WINDLASS_CORS_ORIGIN", "https://a.example,https://b.example"),
        ("WINDLASS_MAX_CONNECTIONS", "77"),
        ("WINDLASS_MAX_STREAMS", "7"),
        ("WINDLASS_BODY_LIMIT", "2KiB"),
        ("WINDLASS_GRACE", "3s"),
        ("WINDLASS_LOG_FORMAT", "json"),
        ("WINDLASS_LOG_LEVEL", "warn"),
        ("WINDLASS_RETENTION", "36h"),
        ("WINDLASS_KEEP_FINISHED", "1000"),
        ("WINDLASS_QUEUE_DEPTH_LIMIT", "2"),
        ("WINDLASS_DURABILITY", "normal"),
        ("WINDLASS_SERVER_KEY", "s3cret-key"),
        ("WINDLASS_TLS_CERT", ""),
    ];
    let mut command = stage.command(&["config", "explain", "-o", "json"]);
    command.envs(vars);
    let ran = finish(command);
    assert_eq!(ran.code, 0, "{ran:?}");
    let answer = ran.json();
    assert_eq!(answer["command"], json!("serve"));
    let settings = answer["settings"].as_array().unwrap();
    let set = |name: &str| {
        let has = |s: &&Value| s["variables"].as_array().unwrap().contains(&json!(name));
        settings.iter().find(has).unwrap_or_else(|| panic!("{name}: {answer}"))
    };
    for (name, value) in vars {
        let shown = match (name, value) {
            ("WINDLASS_SERVER_KEY", _) => json!("***"),
            (_, "") => continue,
            (_, value) => json!(value),
        };
        let found = set(name);
        assert_eq!((&found["value"], &found["variable"]), (&shown, &json!(name)), "{found}");
    }
    // An empty one counts as not set, and what nobody sets has its default.
    let cert = settings.iter().find(|s| s["option"] == "--tls-cert").unwrap();
    assert_eq!((&cert["value"], &cert["from"]), (&json!(null), &json!("default")));
    let plain = stage.run(&["config", "explain", "serve", "--grace", "1m", "-o", "json"]).json();
    let find = |option: &str| {
        let found = plain["settings"].as_array().unwrap().iter().find(|s| s["option"] == option);
        let found = found.unwrap_or_else(|| panic!("{option}: {plain}"));
        (found["value"].clone(), found["from"].clone())
    };
    assert_eq!(find("--listen"), (json!("127.0.0.1:8420"), json!("default")));
    assert_eq!(find("--grace"), (json!("1m"), json!("option")));
    assert_eq!(find("--retention"), (json!("7d"), json!("default")));
    assert_eq!(find("--body-limit"), (json!("16MiB"), json!("default")));

    // And they hold.
    let mut command = stage.command(&["serve"]);
    command.envs(vars);
    let serving = Serving::start(command);
    assert!(serving.ready["store"].as_str().unwrap().contains("other.db"), "{}", serving.ready);
    let submit = |payload: &str| {
        let mut command = stage.command(&["tasks", "submit", "t", payload, "--url", serving.url()]);
        command.env("WINDLASS_API_KEY", "s3cret-key");
        finish(command)
    };
    let ran = submit(&format!("\"{}\"", "x".repeat(4_000)));
    assert_eq!((ran.code, ran.error_code().as_str()), (2, "payload_too_large"), "{ran:?}");
    assert_eq!(submit("1").code, 0);
}

#[test]
fn the_help_of_a_server_shows_no_client_options() {
    let stage = Stage::empty();
    let serve = stage.run(&["serve", "--help"]).out;
    assert!(
        serve.contains("--api-key-file <FILE>") && serve.contains("WINDLASS_SERVER_KEY"),
        "{serve}"
    );
    for help in [&serve, &stage.run(&["dev", "--help"]).out] {
        assert!(!help.contains("--tenant") && !help.contains("--url"), "{help}");
        assert!(help.lines().all(|line| line.chars().count() <= 100), "{help}");
    }
}

#[test]
fn a_wrong_setting_is_refused_before_anything_is_made() {
    let stage = Stage::empty();
    std::fs::write(stage.file("no.pem"), "no certificate").unwrap();
    let wrong: [&[&str]; 20] = [
        &["serve", "--listen", "nonsense"],
        &["serve", "--body-limit", "0"],
        &["serve", "--body-limit", "16MB"],
        &["serve", "--max-connections", "0"],
        &["serve", "--max-streams", "-1"],
        &["serve", "--grace", "soon"],
        &["serve", "--log-format", "xml"],
        &["serve", "--log-level", "loud"],
        &["serve", "--durability", "some"],
        &["serve", "--retention", "1 week"],
        &["serve", "--tls-cert", "no.pem"],
        &["serve", "--tls-cert", "no.pem", "--tls-key", "no.pem"],
        &["serve", "--cors-origin", "nonsense"],
        &["serve", "--api-key-file", "missing.key"],
        &["serve", "--api-key", "on-the-command-line"],
        &["serve", "--store", "http://127.0.0.1:1"],
        &["serve", "--url", "sqlite:x.db"],
        &["serve", "--tenant", "t"],
        &["dev", "--port", "70000"],
        &["dev", "--api-key-file", "no.pem"],
    ];
    for args in wrong {
        let ran = stage.run(args);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{args:?}: {ran:?}");
        assert!(!ran.err.is_empty(), "{args:?}");
    }
    for (store, code) in [("ftp://x", "invalid_url"), ("sqlite:no/such/folder/x.db", "invalid_url")]
    {
        let ran = stage.run(&["serve", "--store", store]);
        assert_eq!((ran.code, ran.error_code().as_str()), (4, code), "{ran:?}");
    }
}
