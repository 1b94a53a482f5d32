//! What anybody may be shown at any address: pages that say no, in the frame of staff and in that of customers.

use countersign::domain::staff::Role;
use reqwest::{Method, StatusCode};
use serde_json::json;

use super::inspector::Inspector;
use crate::harness::{Choices, Harness};

/// Few are enough, where somebody asks too often.
const LIMITS: &str = "[limits]\nstaff_pages = 20\naddress_sign_ins = 3\n";

/// Sends the first form that fits, whatever its button says.
async fn send(inspector: &Inspector, form: &str, before: &str) {
    let send = format!("const form = document.querySelector(\"{form}\"); {before}; form.requestSubmit()");
    inspector.browser.driver().execute(&send, vec![]).await.unwrap();
}

#[tokio::test]
async fn what_is_refused_anywhere_is_fit_to_be_seen() {
    let broker = Harness::with(Choices { main: Some(LIMITS.to_owned()), ..Choices::default() }).await;
    let mut agent = Inspector::signed_in(&broker, Role::Agent).await;
    let at = |path: &str| format!("{}{path}", broker.origin);
    agent.browser.open(&at("/admin/attempts")).await;
    agent.look_at_refusal("refused-role").await;
    agent.browser.open(&at("/account")).await;
    send(&agent, "form.leave", "form.elements.csrf.value = 'old'").await;
    agent.browser.see("main:not(:has(#zone)) h1").await;
    agent.look_at_refusal("refused-old-form").await;
    // A page of another site sends a form here.
    let foreign = format!("<form method=post action={}><button>Send</button></form>", at("/signout"));
    agent.browser.open(&format!("data:text/html,{foreign}")).await;
    agent.browser.press("button").await;
    agent.browser.see("main a[href='/signin']").await;
    agent.look_at_refusal("refused-foreign-form").await;
    agent.browser.open(&at("/nothing-here")).await;
    agent.look_at_refusal("nothing-here").await;
    // Another browser of the same agent has loaded very many pages.
    let mut other = broker.staff(Role::Agent).await;
    while other.get("/account").await.status != StatusCode::TOO_MANY_REQUESTS {}
    agent.browser.open(&at("/console")).await;
    agent.look_at_refusal("refused-too-many").await;
    broker.clock.advance(std::time::Duration::from_mins(2));
    agent.browser.open(&at("/account")).await;
    agent.browser.see("#zone").await;
    agent.browser.command("Network.clearBrowserCookies", json!({})).await;
    send(&agent, "form.leave", "").await;
    agent.browser.see("a[href='/signin']").await;
    agent.look_at_refusal("refused-signed-out").await;
    let form = [("provider", "acme"), ("next", "/account")];
    let again =
        || broker.plain(Method::POST, "/signin/provider").header("sec-fetch-site", "same-origin").form(&form);
    while again().send().await.unwrap().status() != StatusCode::TOO_MANY_REQUESTS {}
    agent.browser.open(&at("/signin")).await;
    agent.browser.press("form[action='/signin/provider'] button").await;
    agent.browser.see("a[href='/signin']").await;
    agent.look_at_refusal("signin-too-many").await;
    agent.browser.hold_staff(&broker, Role::Agent).await;
    broken(&broker);
    agent.browser.open(&at("/console")).await;
    agent.look_at_refusal("refused-store").await;
}

/// The store answers nothing any more.
fn broken(broker: &Harness) {
    let file = rusqlite::Connection::open(broker.folder().join("countersign.db")).unwrap();
    file.execute_batch("DROP TABLE record; DROP TABLE member; DROP TABLE entry").unwrap();
}
