//! The command line itself: help, usage, and where the store is looked for.

use windlass_server::cli::{Finished, WorkerArgs, run};

use crate::stage::{Stage, finish};

const COMMANDS: [&[&str]; 26] = [
    &[],
    &["dev"],
    &["serve"],
    &["worker"],
    &["tasks"],
    &["tasks", "ls"],
    &["tasks", "count"],
    &["tasks", "get"],
    &["tasks", "watch"],
    &["tasks", "logs"],
    &["tasks", "cancel"],
    &["tasks", "retry"],
    &["tasks", "why"],
    &["tasks", "submit"],
    &["batches", "get"],
    &["batches", "watch"],
    &["batches", "cancel"],
    &["queues", "ls"],
    &["queues", "pause"],
    &["queues", "resume"],
    &["workers", "ls"],
    &["events", "tail"],
    &["config", "explain"],
    &["doctor"],
    &["migrate"],
    &["completions"],
];

#[test]
fn every_command_explains_itself_with_an_example() {
    let stage = Stage::empty();
    for command in COMMANDS {
        let ran = stage.run(&[command, &["--help"]].concat());
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{command:?}");
        assert!(ran.out.contains("Usage: windlass"), "{command:?}: {}", ran.out);
        let is_group = *command == ["tasks"];
        assert!(is_group || ran.out.contains("windlass "), "{command:?}");
        assert!(is_group || ran.out.contains("Example"), "{command:?}: {}", ran.out);
    }
    let help = stage.run(&["--help"]).out;
    for text in ["WINDLASS_URL", "WINDLASS_API_ENDPOINT", "sqlite:windlass.db", "130", "Exit codes"]
    {
        assert!(help.contains(text), "{text} in {help}");
    }
    assert_eq!(
        stage.run(&["--version"]).out,
        concat!("windlass ", env!("CARGO_PKG_VERSION"), "\n")
    );
}

#[test]
fn a_wrong_command_line_ends_with_2_and_touches_nothing() {
    let stage = Stage::empty();
    let wrong: [&[&str]; 22] = [
        &[],
        &["tasks"],
        &["nonsense"],
        &["tasks", "ls", "--status", "done"],
        &["tasks", "ls", "--limit", "0"],
        &["tasks", "ls", "--limit", "-1"],
        &["tasks", "ls", "--since", "yesterday"],
        &["tasks", "ls", "--cursor", "c1"],
        &["tasks", "ls", "--batch", "7"],
        &["tasks", "ls", "--label", "env"],
        &["tasks", "ls", "-o", "yaml"],
        &["tasks", "get"],
        &["tasks", "cancel"],
        &["tasks", "retry"],
        &["tasks", "logs", "x", "--level", "loud"],
        &["tasks", "submit"],
        &["tasks", "submit", "t", "--priority", "0"],
        &["tasks", "submit", "t", "--priority", "6"],
        &["tasks", "submit", "t", "--priority", "urgent"],
        &["tasks", "submit", "t", "--delay=-1s"],
        &["tasks", "submit", "t", "--timeout", "soon"],
        &["tasks", "submit", "t", "--max-retries", "-1"],
    ];
    for args in wrong {
        let ran = stage.run(args);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{args:?}: {ran:?}");
        assert!(!ran.err.is_empty(), "{args:?}");
    }
    assert!(!stage.file("windlass.db").exists());
}

#[test]
fn a_read_command_never_makes_a_store_and_says_where_it_looked() {
    let stage = Stage::empty();
    let id = "019a0d5e-8f6b-7000-8000-000000000001";
    let reads: [&[&str]; 16] = [
        &["tasks", "ls"],
        &["tasks", "get", id],
        &["tasks", "watch", id],
        &["tasks", "logs", id],
        &["tasks", "cancel", id],
        &["tasks", "retry", id],
        &["tasks", "why", id],
        &["batches", "get", id],
        &["batches", "watch", id],
        &["batches", "cancel", id],
        &["queues", "ls"],
        &["queues", "pause", "q"],
        &["queues", "resume", "q"],
        &["workers", "ls"],
        &["events", "tail"],
        &["migrate"],
    ];
    // The folder's own name may be a link, as temporary folders are on some systems.
    let file = std::fs::canonicalize(stage.file("")).unwrap().join("windlass.db");
    for args in reads {
        let ran = stage.run(args);
        assert_eq!((ran.code, ran.out.as_str()), (4, ""), "{args:?}: {ran:?}");
        assert!(ran.err.contains(&file.display().to_string()), "{args:?}: {}", ran.err);
        assert_eq!(ran.error_code(), "invalid_store", "{}", ran.err);
        assert!(ran.err.contains("hint: "), "{}", ran.err);
        assert!(std::fs::read_dir(stage.file("")).unwrap().next().is_none(), "{args:?}");
    }
}

#[test]
fn the_url_is_taken_from_the_option_then_the_variables() {
    let stage = Stage::empty();
    let looked_at = |args: &[&str], vars: &[(&str, &str)]| {
        let mut command = stage.command(&[&["tasks", "ls"], args].concat());
        command.envs(vars.iter().copied());
        finish(command).err
    };
    let (first, second) =
        (("WINDLASS_URL", "sqlite:1.db"), ("WINDLASS_API_ENDPOINT", "sqlite://2.db"));
    assert!(looked_at(&["--url", "sqlite:0.db"], &[first, second]).contains("0.db (from --url)"));
    assert!(looked_at(&[], &[first, second]).contains("1.db (from WINDLASS_URL)"));
    assert!(looked_at(&[], &[second]).contains("2.db (from WINDLASS_API_ENDPOINT)"));
    assert!(looked_at(&[], &[("WINDLASS_URL", "")]).contains("windlass.db (from the default)"));
}

#[test]
fn a_url_that_names_no_store_is_refused_with_4() {
    let stage = Stage::empty();
    for url in ["ftp://host/x", "sqlite:", "tasks.db", "sqlite:no/such/folder/x.db"] {
        let ran = stage.run(&["tasks", "submit", "t", "--url", url]);
        assert_eq!((ran.code, ran.error_code().as_str()), (4, "invalid_url"), "{url}: {ran:?}");
    }
    std::fs::write(
        stage.file("notes.txt"),
        "these are only notes, and long enough for a header".repeat(20),
    )
    .unwrap();
    for command in ["ls", "submit"] {
        let args = ["tasks", command, "t", "--url", "sqlite:notes.txt"];
        let args: Vec<&str> =
            args.into_iter().filter(|a| command == "submit" || *a != "t").collect();
        let ran = stage.run(&args);
        assert_eq!((ran.code, ran.error_code().as_str()), (4, "invalid_store"), "{ran:?}");
    }
    let text = std::fs::read_to_string(stage.file("notes.txt")).unwrap();
    assert!(text.starts_with("these are only notes"));
}

#[test]
fn a_store_in_memory_is_empty_and_says_so() {
    let stage = Stage::empty();
    let ran = stage.run(&["queues", "ls", "--url", "memory:"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.err.contains("gone when it ends"), "{ran:?}");
    let ran = stage.run(&["tasks", "ls", "--url", "memory:", "-o", "json"]);
    assert_eq!(ran.json(), serde_json::json!({ "tasks": [], "next": null }));
    assert_eq!(ran.err, "", "programs get no notes");
}

#[test]
fn worker_is_parsed_for_the_host_and_refused_by_the_plain_binary() {
    let args = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let line = "windlass worker photos.sub:app --concurrency 4 --queues a,b --lease 5 --url memory:x --tenant t";
    let worker = WorkerArgs {
        app: "photos.sub:app".to_owned(),
        concurrency: Some(4),
        queues: vec!["a".to_owned(), "b".to_owned()],
        lease: Some(5),
        url: Some("memory:x".to_owned()),
        tenant: Some("t".to_owned()),
        api_key: None,
    };
    assert_eq!(run(args(line)), Finished::Worker(worker));
    let stage = Stage::empty();
    let file = stage.file("server.key").display().to_string();
    assert_eq!(run(args(&format!("windlass worker a:b --api-key-file {file}"))), Finished::Exit(2));
    std::fs::write(&file, "s3cret\n").unwrap();
    let finished = run(args(&format!("windlass worker a:b --api-key-file {file}")));
    assert!(!format!("{finished:?}").contains("s3cret"), "{finished:?}");
    let Finished::Worker(keyed) = finished else { panic!("a worker") };
    assert_eq!(keyed.api_key.as_deref(), Some("s3cret"));
    let Finished::Worker(plain) = run(args("windlass worker photos:app")) else {
        panic!("a worker")
    };
    assert_eq!((plain.concurrency, plain.queues, plain.url), (None, Vec::new(), None));
    for wrong in
        ["photos", "photos:", ":app", "a:b:c", "a:b --concurrency 0", "a:b --concurrency x"]
    {
        assert_eq!(run(args(&format!("windlass worker {wrong}"))), Finished::Exit(2), "{wrong}");
    }
    let ran = Stage::empty().run(&["worker", "photos:app"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("Python package"), "{}", ran.err);
}

#[test]
fn completions_name_the_commands() {
    for shell in ["bash", "zsh", "fish"] {
        let ran = Stage::empty().run(&["completions", shell]);
        assert_eq!(ran.code, 0);
        assert!(ran.out.contains("doctor") && ran.out.contains("submit"), "{shell}");
    }
}
