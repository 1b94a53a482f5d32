//! The form of a provider's settings: what it shows, what it refuses, and two who change it at once.

use reqwest::{Method, StatusCode};
use serde_json::json;

use super::{Shop, fields, words};

const SETTINGS: &str = "/admin/providers/acme/settings";

#[tokio::test]
async fn what_is_shown_and_saved_again_changes_nothing() {
    let mut shop = Shop::start().await;
    let mut settings = shop.settings();
    let more = json!({
        "scope": "read \"x\"".replace('"', ""), "trusted": ["email"], "pkce": "off", "maxAge": 60, "mergeByEmail": true,
        "authorizeParams": {"access_type": "offline"}, "enrich": {"required": ["email"], "fullName": "overwrite"},
        "whoami": [{"name": "emails", "url": format!("{}/whoami", shop.broker.provider.origin()), "params": {"a": "b=c"}}],
        "claims": {"userinfo": {"email": {"essential": true}}}, "scopeSeparator": " ", "acrValues": ["urn:a", "urn:b"],
        "callbackPath": "named",
    });
    for (name, value) in more.as_object().unwrap() {
        settings[name] = value.clone();
    }
    shop.put_draft(&settings).await;
    shop.api(Method::POST, "/v1/providers/acme/publish", Some(json!({"untested": true}))).await;
    let saved = shop.send("/settings", "/settings", &[]).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", words(&saved.html));
    let diff = shop.api(Method::GET, "/v1/providers/acme/diff", None).await;
    assert_eq!(diff, json!({"changes": []}));
    assert!(shop.follow(&saved).await.contains("role=\"status\""));
}

#[tokio::test]
async fn every_setting_has_a_label_a_sentence_and_what_it_is_called_in_a_file() {
    let mut shop = Shop::drafted().await;
    let html = shop.page("/settings").await;
    for setting in countersign::tenants::provider::shape::SHAPE.fields {
        let (own, below) = (format!(">{}</code>", setting.name), format!(">{}.", setting.name));
        let is_there = html.contains(&own) || html.contains(&below);
        // Nobody asks for variables without a preset, and the secret before has a page of its own.
        let elsewhere = ["id", "vars", "client_secret_previous"];
        assert!(is_there || elsewhere.contains(&setting.name), "{}", setting.name);
    }
    for id in html.split(" id=\"f-").skip(1).filter_map(|rest| rest.split('"').next()) {
        let named = id.trim_end_matches("-hint").trim_end_matches("-given").trim_end_matches("-fault");
        assert!(html.contains(&format!("id=\"f-{named}-hint\"")), "{named} has no sentence");
    }
    let labels = html.matches("<label for=\"f-").count();
    let described = html.matches("aria-describedby=\"f-").count();
    assert!(labels > 45 && described >= labels, "{labels} {described}");
    assert!(!html.contains(super::DemoProvider::CLIENT_SECRET));
}

#[tokio::test]
async fn a_fault_stands_beside_its_field_with_what_was_typed_and_a_caret() {
    let mut shop = Shop::live().await;
    let before = shop.provider().await;
    let refused = shop
        .send(
            "/settings",
            "/settings",
            &[
                ("mapping", "{email: user.email,\n fullName: }"),
                ("token_url", "ftp://elsewhere.example/token"),
                ("max_age", "soon"),
                ("authorize_params", "prompt login"),
                ("client_secret", "canary-secret"),
            ],
        )
        .await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let html = &refused.html;
    assert!(html.contains("href=\"#f-authorize-params\"") && html.contains("Line 1: write it as"), "{html}");
    assert!(html.contains("ftp://elsewhere.example/token") && html.contains("prompt login"), "{html}");
    assert!(!html.contains("canary-secret") && html.contains("type it again"));
    assert_eq!(shop.provider().await, before);

    // Once the lines can be read, the rest is checked, everything at once.
    let refused = shop.send_on(html, "/settings", &[("authorize_params", "prompt = login")]).await;
    let html = &refused.html;
    for field in ["f-token-url", "f-max-age", "f-mapping"] {
        assert!(html.contains(&format!("href=\"#{field}\"")), "no {field}: {}", words(html));
        assert!(html.contains(&format!("id=\"{field}-fault\"")), "no fault at {field}");
    }
    assert!(html.contains("aria-invalid=\"true\"") && html.contains(" fullName: }\n"), "{html}");
    let caret = html.split("id=\"f-mapping-fault\"").nth(1).unwrap().split("</pre>").next().unwrap();
    assert!(caret.contains("<pre") && caret.contains('^'), "{caret}");
    assert_eq!(shop.provider().await, before);
}

#[tokio::test]
async fn of_two_who_change_it_the_second_sees_both_versions_and_keeps_its_own() {
    let mut shop = Shop::live().await;
    let mine = shop.page("/settings").await;
    let mut theirs = shop.settings();
    theirs["scope"] = json!("read:theirs");
    theirs["label"] = json!("Their <b>label</b>");
    theirs.as_object_mut().unwrap().remove("clientSecret");
    shop.put_draft(&theirs).await;
    let stale = shop.send_on(&mine, "/settings", &[("scope", "read:mine")]).await;
    assert_eq!(stale.status, StatusCode::CONFLICT);
    let told = words(&stale.html);
    assert!(
        told.contains("Somebody else changed this meanwhile") && told.contains("the API client admin"),
        "{told}"
    );
    assert!(told.contains("Scope read:theirs read:mine"), "{told}");
    assert!(
        !stale.html.contains("<b>label") && stale.html.contains("Their &lt;b&gt;")
            || stale.html.contains("Their &#60;b&#62;"),
        "{}",
        stale.html
    );
    assert!(stale.html.contains("name=\"scope\" value=\"read:mine\""), "what was typed stays");
    assert_eq!(shop.provider().await["draft"]["settings"]["scope"], "read:theirs", "nothing was written");

    let again = shop.send_on(&stale.html, "/settings", &[]).await;
    assert_eq!(again.status, StatusCode::SEE_OTHER, "{}", words(&again.html));
    assert_eq!(shop.provider().await["draft"]["settings"]["scope"], "read:mine");
}

#[tokio::test]
async fn a_secret_goes_to_no_other_place_unless_it_is_typed_again() {
    let mut shop = Shop::live().await;
    let elsewhere = "https://elsewhere.example/token";
    let refused = shop.send("/settings", "/settings", &[("token_url", elsewhere)]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.html.contains("id=\"f-client-secret-fault\""), "{}", words(&refused.html));
    let saved = shop.send_on(&refused.html, "/settings", &[("client_secret", "another-secret-0123")]).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", words(&saved.html));
    assert_eq!(shop.provider().await["draft"]["settings"]["tokenUrl"], elsewhere);
    assert!(!shop.page("/settings").await.contains("another-secret"));
}

#[tokio::test]
async fn another_subject_is_asked_for_twice_and_the_callback_path_stays() {
    let mut shop = Shop::live().await;
    let refused =
        shop.send("/settings", "/settings", &[("subject", "user.email"), ("callback_path", "named")]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.html.contains("name=\"confirm_subject\"") && refused.html.contains("f-subject-fault"));
    let saved = shop.send_on(&refused.html, "/settings", &[("confirm_subject", "yes")]).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", words(&saved.html));
    let settings = shop.provider().await["draft"]["settings"].clone();
    assert_eq!((&settings["subject"], &settings["callbackPath"]), (&json!("user.email"), &json!(null)));
}

#[tokio::test]
async fn a_secret_is_taken_away_only_where_the_box_is_ticked() {
    let mut shop = Shop::drafted().await;
    let html = shop.page("/settings").await;
    assert!(html.contains("Left empty it stays as it is"), "{html}");
    let saved = shop
        .send("/settings", "/settings", &[("client_auth", "none"), ("client_secret.remove", "yes")])
        .await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", words(&saved.html));
    assert_eq!(shop.provider().await["draft"]["settings"].get("clientSecret"), None);
}

#[tokio::test]
async fn no_body_of_a_form_is_answered_with_a_fault_of_our_own() {
    let mut shop = Shop::live().await;
    for odd in
        ["\u{0}", "<script>alert(1)</script>", "'\"`{}[]|\\", "\u{202e}right to left", &"x".repeat(20_000)]
    {
        let html = shop.page("/settings").await;
        let mut typed = fields(&html, SETTINGS);
        for (name, value) in &mut typed {
            if !["csrf", "version"].contains(&name.as_str()) {
                odd.clone_into(value);
            }
        }
        let page = shop.post(SETTINGS, typed).await;
        assert!(page.status.is_client_error(), "{}", page.status);
        assert!(!page.html.contains("<script>alert"), "{}", page.html);
    }
}
