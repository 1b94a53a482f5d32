//! Snippets, made, changed and deleted one by one.

use reqwest::Method;
use serde_json::json;

use super::{If, World};
use crate::openapi::{check_answer, document};

#[tokio::test]
async fn a_snippet_is_made_changed_used_and_deleted() {
    let world = World::start().await;
    let sent = json!({"id": "greet", "tag": "/hi", "text": {"en": "Sign in: {link}"}, "sms": {"text": {"en": "{link}"}}});
    let made = world.call(Method::POST, "/v1/snippets", If::Nothing, Some(sent.clone())).await.is(201);
    check_answer(&document(), "POST", "/v1/snippets", 201, &made.body);
    assert_eq!(made.body, sent);
    world.call(Method::POST, "/v1/snippets", If::Nothing, Some(sent)).await.refused(422, "invalid");
    let listed = world.call(Method::GET, "/v1/snippets", If::Nothing, None).await.is(200);
    check_answer(&document(), "GET", "/v1/snippets", 200, &listed.body);
    assert!(listed.body["items"].as_array().unwrap().contains(&made.body));
    let path = "/v1/snippets/greet";
    let change = json!({"tag": "/hello", "text": {"en": "Please: {link}", "de": "Bitte: {link}"}});
    world
        .call(Method::PUT, path, If::Nothing, Some(change.clone()))
        .await
        .refused(428, "precondition_required");
    let changed = world.call(Method::PUT, path, If::Is(listed.etag()), Some(change.clone())).await.is(200);
    check_answer(&document(), "PUT", path, 200, &changed.body);
    assert_eq!((&changed.body["id"], &changed.body["text"]), (&json!("greet"), &change["text"]));
    assert_eq!(changed.body.get("sms"), None, "all of it is changed");
    world.call(Method::PUT, path, If::Is(listed.etag()), Some(change)).await.refused(412, "stale");
    let read = world.call(Method::GET, path, If::Nothing, None).await.is(200);
    check_answer(&document(), "GET", path, 200, &read.body);
    assert_eq!((&read.body, read.etag()), (&changed.body, changed.etag()));
    world.call(Method::DELETE, path, If::Is(read.etag()), None).await.is(204);
    world.call(Method::GET, path, If::Nothing, None).await.refused(404, "not_found");
    world.call(Method::DELETE, path, If::Is(read.etag()), None).await.refused(412, "stale");
    let actions: Vec<_> = world.audit().await.into_iter().map(|(action, ..)| action).collect();
    assert_eq!(&actions[actions.len() - 3..], ["snippet.created", "snippet.changed", "snippet.deleted"]);
}

#[tokio::test]
async fn what_is_wrong_with_a_snippet_is_told_by_its_place() {
    let world = World::start().await;
    for (sent, pointer) in [
        (json!({"id": "a", "text": {"en": "no link"}}), "/text/en"),
        (json!({"id": "a", "sms": {"text": {"en": "no link"}}}), "/sms/text/en"),
        (json!({"id": "A b", "text": {"en": "{link}"}}), "/id"),
        (json!({"text": {"en": "{link}"}}), ""),
        (json!({"id": "a", "nonsense": 1}), "/nonsense"),
        (json!({"id": "a", "text": {"en": "{link}"}, "fax": {"text": {"en": "{link}"}}}), "/fax"),
    ] {
        let refused = world.call(Method::POST, "/v1/snippets", If::Nothing, Some(sent.clone())).await;
        assert_eq!(refused.refused(422, "invalid").pointers(), [pointer], "{sent}");
    }
    let other = json!({"id": "other", "text": {"en": "{link}"}});
    world
        .call(Method::PUT, "/v1/snippets/nobody", If::Is("*"), Some(json!({"text": {"en": "{link}"}})))
        .await
        .refused(404, "not_found");
    world
        .call(Method::POST, "/v1/snippets", If::Nothing, Some(json!({"id": "a", "text": {"en": "{link}"}})))
        .await
        .is(201);
    let refused =
        world.call(Method::PUT, "/v1/snippets/a", If::Is("*"), Some(other)).await.refused(422, "invalid");
    assert_eq!(refused.pointers(), ["/id"]);
}
