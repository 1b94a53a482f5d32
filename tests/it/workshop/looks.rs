//! The first steps with a provider, and settings that stand in a file, looked at closely.

use countersign::domain::staff::Role;
use reqwest::Method;
use serde_json::json;

use super::journey::{back_from_the_test, sign_in, to_the_test};
use super::tries::{at, settings};
use crate::browser::inspector::Inspector;
use crate::harness::Harness;
use crate::trial::provider::Provider;

#[tokio::test]
async fn the_first_steps_with_a_provider_are_fit_to_be_seen() {
    let provider = Provider::start().await;
    let announced = json!({"scopes_supported": ["openid", "email"]});
    provider.announce("/.well-known/openid-configuration", provider.origin(), &announced);
    let shop = at(&provider).await;
    let mut admin = Inspector::start().await;
    sign_in(&shop, &admin.browser).await;
    let base = format!("{}/admin/providers", shop.origin);
    admin.browser.open(&base).await;
    admin.look("providers-empty").await;
    admin.browser.open(&format!("{base}/~new?q=nobody-knows-it")).await;
    admin.look("provider-search-nothing").await;
    look_at_discovery(&mut admin, &provider).await;
    shop.put_draft(&settings(&shop, &provider)).await;
    admin.browser.open(&format!("{base}/acme")).await;
    admin.look("provider-first-draft").await;
    admin.browser.open(&format!("{base}/acme/publish")).await;
    admin.browser.press("form[action$='/acme/publish'] button").await;
    admin.browser.see("#problem").await;
    admin.look_at_refusal("provider-publish-untested").await;
    to_the_test(&admin.browser).await;
    back_from_the_test(&admin.browser).await;
    admin.look("trial-passed").await;
    admin.browser.press("a[href*='/admin/providers/acme/tests/']").await;
    admin.browser.see("#report:not([hx-trigger])").await;
    admin.look("provider-test-passed").await;
    shop.api(Method::POST, "/v1/providers/acme/publish", Some(json!({"untested": true}))).await;
    look_at_secrets(&mut admin, &base).await;
    admin.browser.open(&format!("{base}/acme/delete")).await;
    admin.browser.fill("#typed", "another").await;
    admin.browser.press("form[action$='/delete'] button").await;
    admin.browser.see("#problem").await;
    admin.look_at_refusal("provider-delete-fault").await;
}

/// An issuer that says nothing, one that says enough, and the form of a new provider with faults.
async fn look_at_discovery(admin: &mut Inspector, provider: &Provider) {
    admin.browser.press(".crumbs a[href='/admin/providers']").await;
    admin.browser.press("a[href='/admin/providers/~new']").await;
    admin.browser.fill("#issuer", "http://10.0.0.1/oidc").await;
    admin.browser.press("form[action$='/discover'] button").await;
    let issuer = admin.browser.see("#issuer[aria-invalid=true]").await;
    admin.look_at_refusal("provider-issuer-fault").await;
    issuer.clear().await.unwrap();
    issuer.send_keys(provider.origin()).await.unwrap();
    admin.browser.press("form[action$='/discover'] button").await;
    admin.browser.see("#found").await;
    admin.look("provider-issuer-found").await;
    admin.browser.press("#form button[type=submit]").await;
    admin.browser.see("#summary a[href='#f-client-id']").await;
    admin.browser.see("#f-client-id[aria-invalid=true] ~ #f-client-id-fault").await;
    admin.look_at_refusal("provider-form-faults").await;
}

/// A secret that cannot be one, and one that is replaced.
async fn look_at_secrets(admin: &mut Inspector, base: &str) {
    admin.browser.open(&format!("{base}/acme/secrets")).await;
    admin.browser.press("form[action$='/secrets/replace'] button").await;
    admin.browser.see("#problem").await;
    admin.look_at_refusal("provider-secret-fault").await;
    admin.browser.fill("#client-secret", "the-next-secret").await;
    admin.browser.press("form[action$='/secrets/replace'] button").await;
    admin.browser.see(".notice.good[role=status]").await;
    admin.look("provider-secret-replaced").await;
}

#[tokio::test]
async fn settings_that_stand_in_a_file_are_fit_to_be_seen() {
    let broker = Harness::start().await;
    let mut admin = Inspector::signed_in(&broker, Role::Admin).await;
    admin.look_at(&broker, "/admin/providers", "providers-in-a-file").await;
    admin.look_at(&broker, "/admin/providers/acme", "provider-in-a-file").await;
    admin.look_at(&broker, "/admin/providers/acme/settings", "provider-settings-in-a-file").await;
    admin.look_at(&broker, "/admin/clients", "clients-in-a-file").await;
}
