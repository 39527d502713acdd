//! The web console: who gets its page and its files, and what they say to the browser.

use serde_json::json;
use windlass_server::console::{self, Console};

use crate::raw::{Reply, Stage};

/// What a browser's address line sends.
const BROWSER: (&str, &str) = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");

async fn get(stage: &Stage, path: &str, headers: &[(&str, &str)]) -> Reply {
    stage.ask_with("GET", path, headers, "").await
}

#[track_caller]
fn is_safe(reply: &Reply) {
    let policy = reply.header("content-security-policy").unwrap_or_default();
    assert!(policy.starts_with("default-src 'none'; script-src 'self'"), "{reply:?}");
    assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(reply.header("referrer-policy"), Some("no-referrer"));
}

/// Values of the attributes `src` and `href` of a page.
fn files(page: &str) -> Vec<&str> {
    let values = ["src=\"", "href=\""].into_iter().flat_map(|name| page.split(name).skip(1));
    values.filter_map(|rest| rest.split('"').next()).collect()
}

#[test]
fn a_build_that_must_have_the_console_has_it() {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let required = set("WINDLASS_REQUIRE_CONSOLE") || set("CI");
    assert!(console::is_built() || !required, "run scripts/setup.sh console build");
}

#[tokio::test]
async fn the_page_and_all_that_it_names_are_served() {
    let stage = Stage::new().await;
    let page = get(&stage, "/", &[]).await;
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    is_safe(&page);
    let text = String::from_utf8(page.body.clone()).unwrap();
    assert!(!text.contains("<script>") && !text.contains("<style") && !text.contains("style="));
    if !console::is_built() {
        assert!(text.contains("scripts/setup.sh console build"), "{text}");
        return;
    }
    assert_eq!(get(&stage, "/index.html", &[]).await.body, page.body);
    let named = files(&text);
    assert!(named.iter().any(|path| path.ends_with(".js")), "{text}");
    for path in named {
        assert!(path.starts_with('/') && !path.starts_with("//"), "{path} is elsewhere");
        let file = get(&stage, path, &[("accept-encoding", "identity")]).await;
        assert_eq!(file.status, 200, "{path}");
        is_safe(&file);
        let kind = match path.rsplit('.').next().unwrap() {
            "js" => "text/javascript; charset=utf-8",
            "css" => "text/css; charset=utf-8",
            "svg" => "image/svg+xml",
            other => panic!("{path} is a {other}"),
        };
        assert_eq!(file.header("content-type"), Some(kind), "{path}");
        let keep = file.header("cache-control").unwrap();
        assert_eq!(keep.contains("immutable"), path.starts_with("/assets/"), "{path}: {keep}");
        let mut raw = stage.connect().await;
        raw.send("HEAD", path, &[("accept-encoding", "identity")], "").await;
        let head = raw.head().await;
        assert_eq!(head.header("content-length"), Some(&*file.body.len().to_string()));
        let tag = file.header("etag").unwrap();
        let again = get(&stage, path, &[("if-none-match", tag)]).await;
        assert_eq!((again.status, again.body.len()), (304, 0), "{path}");
        assert_eq!(again.header("etag"), Some(tag));
        // Compressed beforehand or not at all: the tag names these very bytes.
        let short = get(&stage, path, &[("accept-encoding", "gzip, br")]).await;
        assert_eq!(short.header("transfer-encoding"), None, "{path}");
        assert!(short.body.len() <= file.body.len());
        let differs = short.header("content-encoding").is_some();
        assert_eq!(short.header("etag") != Some(tag), differs, "{path}");
    }
}

#[tokio::test]
async fn the_address_of_a_view_leads_to_the_page() {
    let stage = Stage::new().await;
    let page = get(&stage, "/", &[]).await;
    for path in ["/tasks", "/tasks/0199a8d0?tab=logs", "/queues/default", "/a/b/c"] {
        let view = get(&stage, path, &[BROWSER]).await;
        assert_eq!((view.status, &view.body), (200, &page.body), "{path}");
        is_safe(&view);
        // Programs are told that there is nothing, and so is who does not read.
        let program = get(&stage, path, &[("accept", "*/*")]).await;
        assert_eq!(program.problem().0, 404, "{path}");
        assert_eq!(stage.ask_with("POST", path, &[BROWSER], "{}").await.problem().0, 404);
    }
    for path in ["/api/v1/none", "/api/none", "/health/none", "/assets/none.js", "/metrics/none"] {
        assert_eq!(get(&stage, path, &[BROWSER]).await.problem().0, 404, "{path}");
    }
    assert_eq!(get(&stage, "/assets/..%2findex.html", &[BROWSER]).await.status, 404);
    for path in ["/", "/index.html", "/console.json", "/assets/x.js"] {
        let reply = stage.ask_with("POST", path, &[BROWSER], "{}").await;
        assert_eq!(reply.problem().0, 405, "{path}");
        let mut allowed: Vec<&str> = reply.header("allow").unwrap().split(',').collect();
        allowed.sort_unstable();
        assert_eq!(allowed, ["GET", "HEAD"], "{path}");
    }
    let metrics = get(&stage, "/metrics", &[BROWSER]).await;
    assert!(metrics.header("content-type").unwrap().starts_with("application/openmetrics-text"));
}

#[tokio::test]
async fn the_page_learns_what_it_must_know() {
    for (console, key) in [(Console::On, None), (Console::ReadOnly, Some("k"))] {
        let stage = Stage::with(|options| {
            options.console = console;
            options.api_key = key.map(str::to_owned);
        })
        .await;
        let about = get(&stage, "/console.json", &[]).await;
        is_safe(&about);
        let version = env!("CARGO_PKG_VERSION");
        let read_only = console == Console::ReadOnly;
        let key_required = key.is_some();
        assert_eq!(
            about.json(),
            json!({ "version": version, "read_only": read_only, "key_required": key_required })
        );
        assert_eq!(about.header("cache-control"), Some("no-store"));
        assert_eq!(get(&stage, "/console.json?x=1", &[]).await.problem().0, 400);
    }
}

#[tokio::test]
async fn with_a_key_the_page_is_public_and_the_data_is_not() {
    let stage = Stage::with(|options| options.api_key = Some("s3cret".to_owned())).await;
    for path in ["/", "/tasks/1", "/console.json"] {
        assert_eq!(get(&stage, path, &[BROWSER]).await.status, 200, "{path}");
    }
    for path in ["/api/v1/tasks", "/api/v1/history", "/api/v1/queues"] {
        let reply = get(&stage, path, &[BROWSER]).await;
        assert_eq!(reply.problem().1, "authentication_failed", "{path}");
    }
}

#[tokio::test]
async fn without_a_key_a_foreign_name_gets_no_page() {
    let stage = Stage::new().await;
    let mut raw = stage.connect().await;
    raw.write(b"GET / HTTP/1.1\r\nhost: evil.example\r\naccept: text/html\r\n\r\n").await;
    assert_eq!(raw.reply().await.problem().0, 403);
    // The console's own calls name its origin, which is this machine.
    let own = format!("http://{}", stage.server.address());
    let reply = stage.ask_with("POST", "/api/v1/tasks", &[("origin", &own)], "{}").await;
    assert_eq!(reply.status, 201);
}

#[tokio::test]
async fn a_console_that_is_off_is_not_there() {
    let stage = Stage::with(|options| options.console = Console::Off).await;
    for path in ["/", "/index.html", "/console.json", "/tasks/1", "/assets/x.js", "/icon.svg"] {
        assert_eq!(get(&stage, path, &[BROWSER]).await.problem().0, 404, "{path}");
    }
    assert_eq!(get(&stage, "/api/v1/history", &[]).await.status, 200, "charts of one's own");
}
