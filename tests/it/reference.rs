//! `/docs`: the readable description, on every tenant's host, without JavaScript.

use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::harness::Harness;
use crate::openapi::document;

async fn page(broker: &Harness, path: &str) -> String {
    let answer = broker.plain(Method::GET, path).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK, "{path}");
    let headers = answer.headers();
    let policy = headers["content-security-policy"].to_str().unwrap();
    assert!(
        policy.starts_with("default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'"),
        "{policy}"
    );
    assert!(policy.contains("frame-ancestors 'none'") && policy.ends_with("form-action 'none'"), "{policy}");
    assert_eq!(headers["content-type"], "text/html; charset=utf-8");
    assert_eq!(headers["cache-control"], "public, max-age=300");
    assert_eq!(headers["referrer-policy"], "no-referrer");
    answer.text().await.unwrap()
}

fn slug(tag: &Value) -> String {
    tag["name"].as_str().unwrap().to_lowercase().replace(' ', "-")
}

#[tokio::test]
async fn every_operation_stands_in_the_page_of_its_group_with_the_tenants_own_host() {
    let broker = Harness::start().await;
    let document = document();
    let home = page(&broker, "/docs").await;
    for tag in document["tags"].as_array().unwrap() {
        let html = page(&broker, &format!("/docs/{}", slug(tag))).await;
        assert!(
            html.contains(&format!("curl {}", broker.origin))
                || html.contains(&format!("&#39;{}", broker.origin)),
            "{tag}"
        );
        assert!(!html.contains("server.invalid") && !html.contains("acme.example.com/v1"), "{tag}");
        assert_eq!(html.matches("<h1>").count(), 1, "{tag}");
        assert!(html.contains("aria-current=\"page\"") && html.contains("<main id=\"content\""), "{tag}");
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                if operation["tags"][0] != tag["name"] {
                    continue;
                }
                let (id, summary) =
                    (operation["operationId"].as_str().unwrap(), operation["summary"].as_str().unwrap());
                let anchor = format!("id=\"{id}\"");
                assert!(html.contains(&anchor), "{method} {path} has no anchor");
                let told = &html[html.find(&anchor).unwrap()..];
                let told = &told[..told.find("</article>").unwrap()];
                let summary = summary.replace('\'', "&#39;");
                let link = format!("/docs/{}#{id}", slug(tag));
                for wanted in [&method.to_uppercase(), path, &summary] {
                    assert!(told.contains(wanted), "{method} {path}: {wanted}");
                }
                assert!(home.contains(&link), "the first page does not lead to {link}");
                if let Some(scope) = operation["security"][0]["oauth2"][0].as_str() {
                    assert!(told.contains(&format!("<code>{scope}</code>")), "{method} {path}: {scope}");
                }
                for status in operation["responses"].as_object().unwrap().keys() {
                    assert!(told.contains(&format!("<dt>{status}</dt>")), "{method} {path}: {status}");
                }
                for parameter in operation["parameters"].as_array().into_iter().flatten() {
                    let name = parameter["name"].as_str().unwrap();
                    assert!(told.contains(&format!("<code>{name}</code>")), "{method} {path}: {name}");
                }
            }
        }
    }
}

#[tokio::test]
async fn the_first_page_tells_every_scope_and_every_refusal() {
    let broker = Harness::start().await;
    let (document, home) = (document(), page(&broker, "/docs").await);
    let scopes = &document["components"]["securitySchemes"]["oauth2"]["flows"]["clientCredentials"]["scopes"];
    for scope in scopes.as_object().unwrap().keys() {
        assert!(home.contains(&format!("<code>{scope}</code>")), "{scope}");
    }
    for response in document["components"]["responses"].as_object().unwrap().values() {
        let status = &response["content"]["application/problem+json"]["example"]["status"];
        assert!(home.contains(&format!("<dt>{status}</dt>")), "{status}");
    }
}

#[tokio::test]
async fn what_the_pages_name_is_there() {
    let broker = Harness::start().await;
    let home = page(&broker, "/docs").await;
    let named: Vec<String> = home
        .split("href=\"/")
        .skip(1)
        .map(|rest| format!("/{}", rest.split(['"', '#']).next().unwrap()))
        .collect();
    assert!(named.len() > 15);
    for path in named {
        let answer = broker.plain(Method::GET, &path).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn what_is_none_of_the_pages_is_a_page_that_says_so() {
    let broker = Harness::start().await;
    let ask = |method: Method, path: &str| broker.plain(method, path).send();
    for path in ["/docs/nothing", "/docs/%ff", "/docs/..%2f", "/docs/"] {
        assert_eq!(ask(Method::GET, path).await.unwrap().status(), StatusCode::NOT_FOUND, "{path}");
    }
    let post = ask(Method::POST, "/docs").await.unwrap();
    assert_eq!(
        (post.status(), &post.headers()["allow"]),
        (StatusCode::METHOD_NOT_ALLOWED, &"GET, HEAD".parse().unwrap())
    );
    let head = ask(Method::HEAD, "/docs/contacts").await.unwrap();
    assert_eq!((head.status(), head.text().await.unwrap()), (StatusCode::OK, String::new()));
    let elsewhere = broker.plain(Method::GET, "/docs").header("host", "evil.test").send().await.unwrap();
    assert_eq!(elsewhere.status(), StatusCode::MISDIRECTED_REQUEST);
}
