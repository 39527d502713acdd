//! The web console of `windlass serve` and `windlass dev`: where it is said to be, and what turns it off.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::Stdio;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::stage::{Serving, Stage, end};

/// Status and body of what a server answers at a path.
fn get(url: &str, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(url.trim_start_matches("http://")).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head[9..12].parse().unwrap(), body.to_owned())
}

#[test]
fn its_address_is_told_and_it_can_be_off() {
    let stage = Stage::empty();
    for (args, vars, read_only) in [
        (&[] as &[&str], &[] as &[(&str, &str)], Some(false)),
        (&["--console", "read-only"], &[("WINDLASS_CONSOLE", "off")], Some(true)),
        (&[], &[("WINDLASS_CONSOLE", "read-only")], Some(true)),
        (&[], &[("WINDLASS_CONSOLE", "off")], None),
    ] {
        let serving = Serving::on(&stage, args, vars);
        let url = serving.url();
        let told = read_only.map(|_| format!("{url}/"));
        assert_eq!(serving.ready["console"], json!(told), "{}", serving.ready);
        let (status, body) = get(url, "/console.json");
        assert_eq!(status, if read_only.is_some() { 200 } else { 404 }, "{body}");
        if let Some(read_only) = read_only {
            let about: Value = serde_json::from_str(&body).unwrap();
            assert_eq!(
                (&about["read_only"], &about["key_required"]),
                (&json!(read_only), &json!(false))
            );
            assert_eq!(get(url, "/").0, 200);
        }
        serving.signal(Signal::TERM);
        assert_eq!(serving.end().code, 0);
    }
}

#[test]
fn people_are_told_where_it_is() {
    let stage = Stage::empty();
    for (args, lines) in [
        (&["dev", "--port", "0"] as &[&str], 2),
        (&["dev", "--port", "0", "--console", "off"], 2),
        (&["serve", "--listen", "127.0.0.1:0"], 1),
        (&["serve", "--listen", "127.0.0.1:0", "--console", "off"], 1),
    ] {
        let mut child =
            stage.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut told = String::new();
        (0..lines).for_each(|_| assert!(out.read_line(&mut told).unwrap() > 0));
        rustix::process::kill_process(rustix::process::Pid::from_child(&child), Signal::TERM)
            .unwrap();
        let off = args.contains(&"off");
        assert_eq!(told.contains("console"), !off, "{told}");
        let url = told.split("http://").nth(1).unwrap().split([',', '\n']).next().unwrap();
        assert_eq!(told.matches(&format!("http://{url}/")).count(), usize::from(!off), "{told}");
        assert_eq!(end(child).code, 0);
    }
}

#[test]
fn its_setting_is_explained_and_a_wrong_one_refused() {
    let stage = Stage::empty();
    for command in ["serve", "dev"] {
        let mut explain = stage.command(&["config", "explain", "-o", "json", command]);
        explain.env("WINDLASS_CONSOLE", "read-only");
        let answer = crate::stage::finish(explain).json();
        let settings = answer["settings"].as_array().unwrap();
        let found = settings.iter().find(|setting| setting["option"] == "--console").unwrap();
        let told = (&found["value"], &found["variable"]);
        assert_eq!(told, (&json!("read-only"), &json!("WINDLASS_CONSOLE")), "{command}");
        let help = stage.run(&[command, "--help"]).out;
        assert!(help.contains("--console <MODE>") && help.contains("WINDLASS_CONSOLE"), "{help}");
        let ran = stage.run(&[command, "--console", "maybe"]);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{ran:?}");
        assert!(ran.err.contains("on, read-only or off"), "{ran:?}");
    }
}
