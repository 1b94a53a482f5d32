//! Which version a change is meant for, and where the fault is in what was sent.

use reqwest::Method;
use serde_json::{Value, json};

use super::{HOST, If, World, tenant_at};
use crate::openapi::{check_answer, document};

#[tokio::test]
async fn a_change_without_a_version_is_428_and_one_of_another_version_412() {
    let world = World::start().await;
    let settings = world.settings();
    world.put("acme", If::Is("\"1\""), settings.clone()).await.refused(412, "stale");
    world.put("acme", If::Is("*"), settings.clone()).await.refused(412, "stale");
    let first = world.put("acme", If::New, settings.clone()).await.is(201);
    assert_eq!((first.etag(), &first.body["version"]), ("\"1\"", &json!(1)));
    assert_eq!(world.put("acme", If::New, settings.clone()).await.refused(412, "stale").body["version"], 1);
    let missing =
        world.put("acme", If::Nothing, settings.clone()).await.refused(428, "precondition_required");
    check_answer(&document(), "PUT", "/v1/providers/{id}", 428, &missing.body);
    world.put("acme", If::Is("W/\"1\""), settings.clone()).await.refused(412, "stale");
    let second = world.put("acme", If::Is("\"1\""), settings.clone()).await.is(200);
    assert_eq!(second.etag(), "\"2\"");
    world.put("acme", If::Is("\"1\""), settings).await.refused(412, "stale");
    for (what, body) in [
        ("publish", json!({"untested": true})),
        ("discard", Value::Null),
        ("rollback", json!({"version": 1})),
    ] {
        let body = Some(body).filter(|body| !body.is_null());
        let path = format!("/v1/providers/acme/{what}");
        world.call(Method::POST, &path, If::Is("\"1\""), body).await.refused(412, "stale");
    }
    world
        .call(Method::DELETE, "/v1/providers/acme", If::Nothing, None)
        .await
        .refused(428, "precondition_required");
    world.call(Method::DELETE, "/v1/providers/acme", If::Is("\"1\""), None).await.refused(412, "stale");
    assert_eq!(world.provider("acme").await.etag(), "\"2\"", "nothing of this changed anything");
}

#[tokio::test]
async fn what_is_not_there_yet_is_made_without_a_condition() {
    let world = World::start().await;
    world.put("acme", If::Nothing, world.settings()).await.is(201);
    world.put("acme", If::Nothing, world.settings()).await.refused(428, "precondition_required");
    world.tenant(Method::PUT, "stall", If::Nothing, Some(json!({"name": "The Stall"}))).await.is(201);
    let again = world.tenant(Method::PUT, "stall", If::Nothing, Some(json!({"name": "Another"}))).await;
    again.refused(428, "precondition_required");
}

#[tokio::test]
async fn of_many_writers_of_one_version_one_wins_and_all_others_are_told() {
    let world = World::start().await;
    world.put("acme", If::New, world.settings()).await.is(201);
    let write = |number: usize| {
        let mut settings = world.settings();
        settings["label"] = json!(format!("label {number}"));
        world.put("acme", If::Is("\"1\""), settings)
    };
    let answers = futures_util::future::join_all((0..12).map(write)).await;
    let won: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
    assert_eq!(won.len(), 1);
    assert!(answers.iter().all(|answer| answer.status == 200 || answer.status == 412));
    let now = world.provider("acme").await.body;
    assert_eq!(
        (&now["version"], &now["draft"]["settings"]["label"]),
        (&json!(2), &won[0].body["draft"]["settings"]["label"])
    );
    // Two that make the same provider, and two that take the same host.
    let (one, two) = tokio::join!(
        world.put("b", If::New, json!({"callbackPath": "named", "clientId": "x", "clientAuth": "none", "authorizeUrl": "https://a.example/", "tokenUrl": "https://a.example/"})),
        world.put("b", If::New, json!({"callbackPath": "named", "clientId": "y", "clientAuth": "none", "authorizeUrl": "https://a.example/", "tokenUrl": "https://a.example/"})),
    );
    let mut both = [one.status.as_u16(), two.status.as_u16()];
    both.sort_unstable();
    assert_eq!(both, [201, 412]);
    let drafted = world.provider("b").await.body["redirectUris"][0]["uri"].clone();
    assert!(drafted.as_str().unwrap().ends_with("/idp/eu/oauth/callback/b"), "{drafted}");
    let (one, two) = tokio::join!(
        world.tenant(Method::PUT, "t1", If::New, Some(tenant_at("127.0.0.9"))),
        world.tenant(Method::PUT, "t2", If::New, Some(tenant_at("127.0.0.9"))),
    );
    let mut both = [one.status.as_u16(), two.status.as_u16()];
    both.sort_unstable();
    assert_eq!(both, [201, 422]);
}

#[tokio::test]
async fn a_fault_is_told_at_its_place_with_its_remedy() {
    let world = World::start().await;
    let faults = async |change: Value| {
        let mut settings = world.settings();
        for (name, value) in change.as_object().unwrap() {
            settings[name] = value.clone();
        }
        let refused = world.put("acme", If::New, settings).await.refused(422, "invalid");
        check_answer(&document(), "PUT", "/v1/providers/{id}", 422, &refused.body);
        let faults = refused.body["faults"].as_array().unwrap().clone();
        assert_eq!(faults.len(), 1, "{faults:?}");
        faults[0].clone()
    };
    for (change, pointer, words) in [
        (json!({"authorizeUrl": "http://a.example/"}), "/authorizeUrl", "`http:` is refused"),
        (json!({"tokenUrl": "https://10.0.0.1/"}), "/tokenUrl", "not public"),
        (json!({"clientid": "x"}), "/clientid", "unknown setting `clientid`"),
        (json!({"client_id": "x"}), "/client_id", "unknown setting `client_id`"),
        (json!({"pkce": "plain"}), "/pkce", "plain"),
        (json!({"trusted": ["phone", "shoe"]}), "/trusted/1", "shoe"),
        (json!({"mergeByEmail": "yes"}), "/mergeByEmail", "`mergeByEmail` must be true or false"),
        (json!({"mapping": {"email": "user..email"}}), "/mapping/email", "JMESPath"),
        (json!({"authorizeParams": {"state": "x"}}), "/authorizeParams/state", "Countersign itself"),
        (json!({"clientSecret": {"env": "HOME"}}), "/clientSecret", "text"),
        (json!({"clientSecret": {"file": "/etc/passwd"}}), "/clientSecret", "text"),
        (json!({"clientSecret": " "}), "/clientSecret", "blank"),
        (json!({"clientSecret": null}), "", "`clientSecret` is missing"),
        (json!({"clientId": null}), "", "`clientId` is missing"),
        (json!({"id": "other"}), "/id", "another than in the path"),
        (json!({"confirmSubjectChange": 1}), "/confirmSubjectChange", "true or false"),
    ] {
        let fault = faults(change.clone()).await;
        assert_eq!(fault["pointer"], pointer, "{change}: {fault}");
        let detail = fault["detail"].as_str().unwrap();
        assert!(detail.contains(words), "{change}: {fault}");
        assert!(
            fault["help"].as_str().is_some_and(|help| !help.contains("_id") && !help.contains("env =")),
            "{fault}"
        );
    }
    let slip = faults(json!({"mapping": "user.id && ["})).await;
    assert_eq!((&slip["pointer"], &slip["line"]), (&json!("/mapping"), &json!(1)));
    assert!(slip["column"].as_u64().unwrap() > 1, "{slip}");
    world.provider("acme").await.is(404);
}

#[tokio::test]
async fn a_mapping_from_hell_is_refused_when_it_is_saved() {
    let world = World::start().await;
    for hell in [
        format!("{}a{}", "[".repeat(10_000), "]".repeat(10_000)),
        format!("{{email: to_string(@{})}}", "|[@,@]".repeat(25)),
        "arr[1::2147483647]".repeat(500),
        "nonsense(@)".to_owned(),
    ] {
        let mut settings = world.settings();
        settings["mapping"] = json!(hell);
        let refused = world.put("acme", If::New, settings).await.refused(422, "invalid");
        assert_eq!(refused.pointers(), ["/mapping"]);
    }
}

#[tokio::test]
async fn what_is_fixed_stays_and_another_subject_must_be_meant() {
    let world = World::live().await;
    let etag = world.provider("acme").await.etag().to_owned();
    let mut settings = world.settings();
    settings["callbackPath"] = json!("named");
    let refused = world.put("acme", If::Is(&etag), settings).await.refused(422, "invalid");
    assert_eq!(refused.pointers(), ["/callbackPath"]);
    let mut settings = world.settings();
    settings["subject"] = json!("user.email");
    let refused = world.put("acme", If::Is(&etag), settings.clone()).await.refused(422, "invalid");
    assert_eq!(refused.pointers(), ["/subject"]);
    assert!(refused.body["faults"][0]["detail"].as_str().unwrap().contains("new person"), "{}", refused.text);
    settings["confirmSubjectChange"] = json!(true);
    let drafted = world.put("acme", If::Is(&etag), settings).await.is(200);
    assert!(drafted.body["draft"]["settings"].get("confirmSubjectChange").is_none());
    world.post("acme", "publish", json!({"untested": true})).await.is(200);
    let back = world.post("acme", "rollback", json!({"version": 1})).await.refused(422, "invalid");
    assert_eq!(back.pointers(), ["/subject"]);
    world.post("acme", "rollback", json!({"version": 1, "confirmSubjectChange": true})).await.is(200);
    // A second provider on the same callback path could not be told from the first.
    let second = world.put("other", If::New, world.settings()).await.refused(422, "invalid");
    assert!(second.body["faults"][0]["help"].as_str().unwrap().contains("callbackPath"), "{}", second.text);
}

#[tokio::test]
async fn whatever_names_people_otherwise_must_be_meant() {
    let world = World::start().await;
    let mut settings = world.settings();
    settings.as_object_mut().unwrap().shift_remove("subject");
    settings["mapping"] = json!({"userId": "user.id", "email": "user.email"});
    world.put("acme", If::New, settings.clone()).await.is(201);
    world.post("acme", "publish", json!({"untested": true})).await.is(200);
    let etag = world.provider("acme").await.etag().to_owned();
    for (name, value) in [
        ("mapping", json!({"userId": "user.email", "email": "user.email"})),
        ("mapping", json!({"email": "user.email"})),
        ("mapping", json!("{userId: user.name, email: user.email}")),
        ("mapping", json!("user")),
        ("identity", json!("token_response")),
        ("issuer", json!(world.broker.provider.origin())),
        ("subject", json!("user.email")),
    ] {
        let mut other = settings.clone();
        other[name] = value.clone();
        let refused = world.put("acme", If::Is(&etag), other).await.refused(422, "invalid");
        assert_eq!(refused.pointers(), [format!("/{name}")], "{value}");
        let help = refused.body["faults"][0]["help"].as_str().unwrap();
        assert!(help.contains("confirmSubjectChange"), "{value}: {help}");
    }
    // The same place in other words, and everything else.
    let mut same = settings.clone();
    same["mapping"] = json!("{fullName: user.name, userId: user.id}");
    world.put("acme", If::Is(&etag), same).await.is(200);
}

#[tokio::test]
async fn hosts_and_names_of_tenants_are_their_own() {
    let world = World::start().await;
    let put = async |id: &str, host: Value| {
        let mut sent = tenant_at("127.0.0.9");
        sent["hosts"] = host;
        world.tenant(Method::PUT, id, If::New, Some(sent)).await
    };
    for (hosts, pointer) in [
        (json!(["127.0.0.1"]), "/hosts/0"),
        (json!(["x.example", "beta.test"]), "/hosts/1"),
        (json!([HOST]), "/hosts/0"),
        (json!(["acme.localhost"]), "/hosts/0"),
        (json!(["localhost"]), "/hosts/0"),
        (json!(["no host"]), "/hosts"),
    ] {
        let refused = put("third", hosts.clone()).await.refused(422, "invalid");
        assert!(refused.pointers()[0].starts_with(pointer), "{hosts}: {}", refused.text);
    }
    put("acme", json!([])).await.refused(409, "conflict");
    put("_platform", json!([])).await.is(422);
    put("No-Name", json!([])).await.is(404);
    let made = put("third", json!(["x.example"])).await.is(201);
    let listed = world.tenant(Method::GET, "", If::Nothing, None).await;
    assert_eq!(listed.status, 404);
    assert_eq!(made.body["hosts"], json!(["x.example", "third.localhost"]));
    let request = world.broker.plain(Method::GET, "/v1/tenants?limit=3").header("host", "localhost");
    let page = super::Answer::of(request.bearer_auth(&world.operator)).await.is(200).body;
    check_answer(&document(), "GET", "/v1/tenants", 200, &page);
    let names: Vec<_> = page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["id"].as_str().unwrap(), one["stored"].as_bool().unwrap()))
        .collect();
    assert_eq!(names, [("acme", false), ("beta", false), ("shop", true)]);
    assert!(page["next"].is_string(), "and one more");
}
