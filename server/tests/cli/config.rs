//! `config explain`, and where settings come from.

use serde_json::{Value, json};

use crate::stage::{Ran, Stage, finish};

fn explain(stage: &Stage, args: &[&str], vars: &[(&str, &str)]) -> Ran {
    let mut command = stage.command(&[&["config", "explain"], args].concat());
    command.envs(vars.iter().copied());
    finish(command)
}

fn setting<'a>(answer: &'a Value, option: &str) -> &'a Value {
    let settings = answer["settings"].as_array().expect("settings");
    settings.iter().find(|s| s["option"] == option).unwrap_or_else(|| panic!("{option}: {answer}"))
}

// ENV-01 ENV-02 ENV-03
#[test]
fn a_setting_says_its_value_and_where_it_came_from() {
    let stage = Stage::empty();
    let ls = ["-o", "json", "tasks", "ls"];
    let vars = [
        ("WINDLASS_API_ENDPOINT", "http://127.0.0.1:9"),
        ("WINDLASS_TENANT_ID", "acme"),
        ("WINDLASS_API_KEY", "s3cret"),
    ];
    let ran = explain(&stage, &ls, &vars);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(!ran.out.contains("s3cret"), "a key is never shown: {}", ran.out);
    let answer = ran.json();
    assert_eq!(answer["command"], json!("tasks ls"));
    for (option, value, variable) in [
        ("--url", "http://127.0.0.1:9", "WINDLASS_API_ENDPOINT"),
        ("--tenant", "acme", "WINDLASS_TENANT_ID"),
        ("--api-key-file", "***", "WINDLASS_API_KEY"),
    ] {
        let found = setting(&answer, option);
        assert_eq!(
            (&found["value"], &found["from"], &found["variable"]),
            (&json!(value), &json!("variable"), &json!(variable))
        );
        assert!(found["what"].as_str().unwrap().len() > 5, "{found}");
    }
    let limit = setting(&answer, "--limit");
    assert_eq!((&limit["value"], &limit["from"]), (&json!("50"), &json!("default")));

    let ls =
        ["-o", "json", "--url", "http://u:pw@h/x", "tasks", "ls", "--limit", "7", "--tenant", "t"];
    let answer = explain(&stage, &ls, &vars).json();
    for (option, value) in [("--url", "http://u:***@h/x"), ("--limit", "7"), ("--tenant", "t")] {
        let found = setting(&answer, option);
        assert_eq!(
            (&found["value"], &found["from"]),
            (&json!(value), &json!("option")),
            "{answer}"
        );
    }
    let answer = explain(&stage, &["-o", "json", "tasks", "ls"], &[("WINDLASS_URL", "")]).json();
    let url = setting(&answer, "--url");
    assert_eq!((&url["value"], &url["from"]), (&json!("sqlite:windlass.db"), &json!("default")));
    let store = [("WINDLASS_STORE", "postgres://me:s3cret@h/db?password=s3cret")];
    let ran = explain(&stage, &["-o", "json", "serve"], &store);
    assert!(!ran.out.contains("s3cret"), "{}", ran.out);
    assert_eq!(setting(&ran.json(), "--store")["value"], json!("postgres://me:***@h/db?***"));
}

#[test]
fn explain_starts_nothing_and_refuses_what_the_command_would_refuse() {
    let stage = Stage::empty();
    let ran = explain(&stage, &["tasks", "ls", "--limit", "0"], &[]);
    assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{ran:?}");
    assert!(ran.err.contains("--limit"), "{ran:?}");
    assert_eq!(explain(&stage, &["nonsense"], &[]).code, 2);
    // What a command must be given beside its settings need not be given here.
    assert_eq!(explain(&stage, &["tasks", "get"], &[]).code, 0);
    let ran = explain(&stage, &["tasks", "ls"], &[]);
    assert!(ran.out.starts_with("--url") && ran.out.contains("WINDLASS_TENANT_ID"), "{}", ran.out);
    assert!(std::fs::read_dir(stage.file("")).unwrap().next().is_none());
}

#[test]
fn a_key_comes_from_a_file_or_a_variable_and_a_wrong_one_is_refused() {
    let stage = Stage::empty();
    std::fs::write(stage.file("good.key"), "s3cret\n").unwrap();
    std::fs::write(stage.file("two.key"), "firsthalf\nsecondhalf\n").unwrap();
    std::fs::write(stage.file("empty.key"), "\n").unwrap();
    let ls =
        |file: &str| ["tasks", "ls", "--url", "memory:", "--api-key-file", file].map(str::to_owned);
    for (file, code) in [("good.key", 0), ("two.key", 2), ("empty.key", 2), ("missing.key", 2)] {
        let args = ls(file);
        let ran = stage.run(&args.each_ref().map(String::as_str));
        assert_eq!(ran.code, code, "{ran:?}");
        assert!(!ran.err.contains("s3cret") && !ran.err.contains("half"), "{ran:?}");
        assert!(
            code == 0 || ran.error_code() == "invalid_argument" && ran.err.contains(file),
            "{ran:?}"
        );
    }
    let answer =
        explain(&stage, &["-o", "json", "tasks", "ls"], &[("WINDLASS_API_KEY_FILE", "good.key")])
            .json();
    let key = setting(&answer, "--api-key-file");
    assert_eq!(
        (&key["value"], &key["variable"]),
        (&json!("good.key"), &json!("WINDLASS_API_KEY_FILE"))
    );
}
