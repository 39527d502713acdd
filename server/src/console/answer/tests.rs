use axum::http::header::{ACCEPT, ACCEPT_ENCODING, IF_NONE_MATCH};

use super::*;

static FILES: Assets = &[
    Asset {
        path: "/assets/app-1a2b.js",
        digest: "d1",
        identity: b"let page",
        brotli: Some(b"BR"),
        gzip: Some(b"GZ"),
    },
    Asset {
        path: "/assets/client-3c.wasm",
        digest: "d2",
        identity: b"\0asm",
        brotli: None,
        gzip: None,
    },
    Asset {
        path: "/index.html",
        digest: "d3",
        identity: b"<html>",
        brotli: None,
        gzip: Some(b"GZ"),
    },
];

fn headers(given: &[(HeaderName, &'static str)]) -> HeaderMap {
    given.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect()
}

fn get(path: &str, given: &[(HeaderName, &'static str)]) -> Option<Response> {
    file(FILES, &Asked { method: &Method::GET, path, headers: &headers(given) })
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).map_or("-", |value| value.to_str().unwrap())
}

async fn text(response: Response) -> Vec<u8> {
    axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap().to_vec()
}

#[tokio::test]
async fn a_file_comes_in_the_shortest_form_that_is_taken() {
    for (accepted, encoding, bytes) in [
        ("", "-", "let page"),
        ("gzip, deflate, br;q=1.0", "br", "BR"),
        ("br;q=0, GZIP", "gzip", "GZ"),
        ("br; q=0.0, gzip;q=0", "-", "let page"),
        ("identity, brotli", "-", "let page"),
    ] {
        let response = get("/assets/app-1a2b.js", &[(ACCEPT_ENCODING, accepted)]).unwrap();
        assert_eq!(header(&response, "content-encoding"), encoding, "{accepted}");
        assert_eq!(header(&response, "content-length"), bytes.len().to_string());
        assert_eq!(header(&response, "vary"), "accept-encoding");
        assert_eq!(header(&response, "content-type"), "text/javascript; charset=utf-8");
        assert_eq!(text(response).await, bytes.as_bytes(), "{accepted}");
    }
    let wasm = get("/assets/client-3c.wasm", &[(ACCEPT_ENCODING, "br, gzip")]).unwrap();
    let told = (header(&wasm, "content-encoding"), header(&wasm, "content-type"));
    assert_eq!(told, ("-", "application/wasm"));
}

#[tokio::test]
async fn what_a_browser_has_is_not_sent_again() {
    let path = "/assets/app-1a2b.js";
    let tag = |accepted| {
        let response = get(path, &[(ACCEPT_ENCODING, accepted)]).unwrap();
        header(&response, "etag").to_owned()
    };
    assert_eq!([tag(""), tag("gzip"), tag("br")], ["\"d1\"", "\"d1-gzip\"", "\"d1-br\""]);
    for (tags, status) in [
        ("\"d1-br\"", 304),
        ("W/\"d1-br\"", 304),
        ("\"other\", \"d1-br\"", 304),
        ("*", 304),
        ("\"d1\"", 200),
        ("\"d3\"", 200),
        ("", 200),
    ] {
        let given = [(ACCEPT_ENCODING, "br"), (IF_NONE_MATCH, tags)];
        let response = get(path, &given).unwrap();
        assert_eq!(response.status(), status, "{tags}");
        assert_eq!(header(&response, "etag"), "\"d1-br\"");
        assert_eq!(header(&response, "cache-control"), "public, max-age=31536000, immutable");
        assert_eq!(text(response).await.is_empty(), status == 304, "{tags}");
    }
}

#[tokio::test]
async fn a_head_has_the_length_and_no_body() {
    let none = HeaderMap::new();
    let asked = Asked { method: &Method::HEAD, path: "/assets/app-1a2b.js", headers: &none };
    let response = file(FILES, &asked).unwrap();
    assert_eq!(header(&response, "content-length"), "8");
    assert!(text(response).await.is_empty());
}

#[test]
fn only_files_that_are_there_are_served() {
    for path in
        ["/assets/app.js", "/assets/../index.html", "/assets/%61pp-1a2b.js", "/", "/INDEX.html"]
    {
        assert!(get(path, &[]).is_none(), "{path}");
    }
}

#[test]
fn a_page_is_for_who_asks_for_one_where_nothing_else_is() {
    let asks = |method: Method, path: &str, accept: &'static str| {
        is_page(&Asked { method: &method, path, headers: &headers(&[(ACCEPT, accept)]) })
    };
    let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    for path in ["/tasks", "/tasks/0199-1a2b", "/queues/default", "/x.y"] {
        assert!(asks(Method::GET, path, browser), "{path}");
        assert!(asks(Method::HEAD, path, "text/html"), "{path}");
        for other in ["*/*", "application/json", "", "text/html;q=0", "text/*"] {
            assert!(!asks(Method::GET, path, other), "{path} {other}");
        }
        assert!(!asks(Method::POST, path, browser), "{path}");
    }
    for path in
        ["/api", "/api/v1/none", "/metrics", "/health/none", "/assets/none.js", "/console.json"]
    {
        assert!(!asks(Method::GET, path, browser), "{path}");
    }
}

#[tokio::test]
async fn every_answer_keeps_the_browser_safe() {
    let none = HeaderMap::new();
    let asked = Asked { method: &Method::GET, path: "/tasks/1", headers: &none };
    let about = super::about(&About { version: "1", read_only: true, key_required: false });
    let answers =
        [page(FILES, &asked), page(&[], &asked), about, get("/assets/app-1a2b.js", &[]).unwrap()];
    for response in &answers {
        let policy = header(response, "content-security-policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; "));
        assert!(!policy.contains("unsafe-inline") && policy.contains("frame-ancestors 'none'"));
        assert_eq!(header(response, "x-content-type-options"), "nosniff");
        assert_eq!(header(response, "referrer-policy"), "no-referrer");
    }
    let [index, missing, about, _] = answers;
    assert_eq!((index.status(), header(&index, "cache-control")), (StatusCode::OK, "no-cache"));
    assert_eq!(text(index).await, b"<html>");
    let told = String::from_utf8(text(missing).await).unwrap();
    assert!(told.contains("scripts/setup.sh console build"), "{told}");
    let told: serde_json::Value = serde_json::from_slice(&text(about).await).unwrap();
    let wanted = serde_json::json!({ "version": "1", "read_only": true, "key_required": false });
    assert_eq!(told, wanted);
}
