//! The description of the interface, and that it is true.

use serde_json::{Map, Value};

use crate::raw::Stage;

/// Every operation of the description: method, path and what it says.
fn operations(description: &Value) -> Vec<(String, String, Map<String, Value>)> {
    let paths = description["paths"].as_object().unwrap();
    let of = |(path, item): (&String, &Value)| {
        let methods = item.as_object().unwrap().clone();
        let path = path.clone();
        methods.into_iter().map(move |(method, operation)| {
            (method.to_uppercase(), path.clone(), operation.as_object().unwrap().clone())
        })
    };
    paths.iter().flat_map(of).collect()
}

// REST-08: what the reference clients call is there, and answers as it is described.
#[tokio::test]
async fn every_path_of_the_description_answers_as_it_says() {
    let stage = Stage::new().await;
    let description = stage.ask("GET", "/api/v1/openapi.json", "").await.json();
    assert_eq!(description["openapi"], "3.1.0");
    let operations = operations(&description);
    for (method, path) in [
        ("POST", "/tasks"),
        ("GET", "/tasks"),
        ("GET", "/tasks/{id}"),
        ("GET", "/tasks/{id}/status"),
        ("GET", "/tasks/{id}/events"),
        ("GET", "/tasks/{id}/logs"),
        ("POST", "/tasks/{id}/cancel"),
        ("POST", "/batches"),
        ("GET", "/batches"),
        ("GET", "/batches/{id}"),
        ("GET", "/batches/{id}/events"),
        ("PUT", "/batches/{id}/chunks/{chunk}"),
        ("POST", "/batches/{id}/seal"),
        ("POST", "/pipelines"),
        ("GET", "/pipelines"),
        ("GET", "/pipelines/{id}"),
        ("GET", "/pipelines/{id}/events"),
        ("POST", "/pipelines/{id}/cancel"),
        ("POST", "/pipelines/{id}/retry"),
        ("POST", "/parallel/execute"),
        ("GET", "/states/{key}"),
        ("GET", "/tasks/{id}/upstream/{name}"),
        ("GET", "/cluster/health"),
        ("GET", "/history"),
    ] {
        let there =
            operations.iter().any(|(m, p, _)| m == method && *p == format!("/api/v1{path}"));
        assert!(there, "{method} {path} is not described");
    }
    let mut ids = Vec::new();
    for (method, path, operation) in &operations {
        ids.push(operation["operationId"].as_str().unwrap().to_owned());
        let responses = operation["responses"].as_object().unwrap();
        let body = if operation.contains_key("requestBody") { "{}" } else { "" };
        let named = path.replace("{id}", "none").replace("{name}", "none");
        let named = named.replace("{key}", "none").replace("{chunk}", "0");
        let mut raw = stage.connect().await;
        raw.send(method, &named, &[], body).await;
        let head = raw.head().await;
        let response = responses.get(&head.status.to_string());
        let response =
            response.unwrap_or_else(|| panic!("{method} {path} answers {}", head.status));
        for status in ["400", "401", "500", "503"] {
            assert!(responses.contains_key(status), "{method} {path} without {status}");
        }
        if let (Some(kind), Some(content)) = (head.header("content-type"), response.get("content"))
        {
            assert!(content.get(kind).is_some(), "{method} {path} answers {kind}");
        }
    }
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count, "operations share an id");
}

#[tokio::test]
async fn every_reference_of_the_description_leads_somewhere() {
    fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(map) => {
                found.extend(map.get("$ref").and_then(Value::as_str));
                map.values().for_each(|value| references(value, found));
            }
            Value::Array(list) => list.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }
    let stage = Stage::new().await;
    let description = stage.ask("GET", "/api/v1/openapi.json", "").await.json();
    let mut found = Vec::new();
    references(&description, &mut found);
    assert!(found.len() > 100);
    for reference in found {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(description.pointer(pointer).is_some(), "{reference}");
    }
}
