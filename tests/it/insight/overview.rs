//! The overview page.

use std::time::Duration;

use countersign::cli::demo::provider::Trick;
use countersign::domain::staff::Role;
use reqwest::{Method, StatusCode};
use serde_json::json;

use super::{admin, fail, hostile, open, row, sign_in, words};
use crate::harness::Harness;

#[tokio::test]
async fn agents_are_refused_and_strangers_shown_the_way() {
    let broker = open().await;
    let mut agent = broker.staff(Role::Agent).await;
    for path in ["/admin", "/admin?period=24h"] {
        assert_eq!(agent.get(path).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    let answer = broker.plain(Method::GET, "/admin").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    assert_eq!(answer.headers()["location"], "/signin?next=%2Fadmin");
}

#[tokio::test]
async fn a_tenant_without_links_is_told_what_to_do_next() {
    let broker = open().await;
    let page = admin(&broker).await.text("/admin").await;
    assert!(page.contains("Nothing to see yet") && page.contains("href=\"/console\""));
    assert!(!page.contains("From sent to verified") && page.contains("no failure seen"));
}

#[tokio::test]
async fn the_funnel_is_told_in_numbers_and_drawn_with_the_same() {
    let broker = open().await;
    for number in 0..3 {
        sign_in(&broker, &format!("conv-{number}")).await;
    }
    broker.link("conv-9").await;
    let page = admin(&broker).await.text("/admin").await;
    assert!(row(&page, "Sent").starts_with("Sent links that were made 4 100%"));
    assert!(row(&page, "Verified").contains("3 75% 100%"), "{}", row(&page, "Verified"));
    assert!(row(&page, "Acme online banking SMS").ends_with("4 3 3 3 75%"));
    assert!(page.contains("<title>Verified: 3</title>") && page.contains("width=\"750\""));
    assert!(page.contains("id=\"trend-desc\">The most links were sent on"));
    assert!(row(&page, "Exchanging the code").starts_with("Exchanging the code the provider 3"));
    assert!(words(&page).contains("None of 3 attempts failed"));
    assert!(
        page.contains("aria-current=\"page\">7 days</a>") && page.contains("aria-current=\"page\">Overview")
    );
}

#[tokio::test]
async fn reasons_of_failure_come_with_their_remedy_and_a_way_to_the_attempts() {
    let broker = open().await;
    for number in 0..2 {
        fail(&broker, &format!("conv-{number}")).await;
    }
    broker.provider.script(Trick::Deny);
    sign_in(&broker, "conv-9").await;
    let mut dana = admin(&broker).await;
    let page = dana.text("/admin?period=24h").await;
    let first = row(&page, "The provider does not accept our client ID or secret");
    assert!(first.contains("Exchanging the code Acme online banking 2 67% Enter the client ID"), "{first}");
    assert!(page.contains("href=\"/admin/providers/acme/secrets\">Replace the secret</a>"));
    let list = dana.text("/admin/attempts?provider=acme&code=invalid_client").await;
    assert_eq!(list.matches("href=\"/admin/attempts/at_").count(), 2);
}

#[tokio::test]
async fn a_provider_that_fails_for_everybody_is_shown_first_with_what_that_means() {
    let broker = open().await;
    for number in 0..5 {
        broker.provider.script(Trick::TokenError);
        sign_in(&broker, &format!("conv-{number}")).await;
    }
    let page = admin(&broker).await.text("/admin").await;
    let text = words(&page);
    assert!(
        text.contains("Acme online banking : Fails for everybody. Customers are not sent there"),
        "{text}"
    );
    assert!(row(&page, "Acme online banking Fails").contains("just now"));
}

#[tokio::test]
async fn a_period_can_be_chosen_and_an_empty_one_says_where_to_look() {
    let broker = open().await;
    sign_in(&broker, "conv-1").await;
    broker.clock.advance(Duration::from_hours(9 * 24));
    let mut dana = admin(&broker).await;
    let week = dana.text("/admin").await;
    assert!(week.contains("No link was sent in the last 7 days") && week.contains("/admin?period=30d"));
    let month = dana.text("/admin?period=30d").await;
    assert!(row(&month, "Sent").contains(" 1 100%"));
    let odd = dana.text("/admin?period=%3Cscript%3E").await;
    assert!(odd.contains("aria-current=\"page\">7 days</a>") && !odd.contains("<script>"));
}

#[tokio::test]
async fn hostile_names_stay_text() {
    let broker = Harness::with(hostile()).await;
    sign_in(&broker, "conv-1").await;
    let page = admin(&broker).await.text("/admin").await;
    assert!(page.contains("&#60;b&#62;Acme&#60;/b&#62;") && !page.contains("<b>Acme"));
    assert!(!page.contains('\u{202e}'));
}

#[tokio::test]
async fn a_page_is_small_and_names_no_other_host() {
    let broker = open().await;
    for number in 0..4 {
        fail(&broker, &format!("conv-{number}")).await;
    }
    let page = admin(&broker).await.text("/admin?period=30d").await;
    assert!(page.len() < 60_000, "{}", page.len());
    for word in ["http://", "https://", "style=", "onclick", "javascript:"] {
        assert!(!page.contains(word), "{word}");
    }
}

#[tokio::test]
async fn nothing_of_a_person_is_on_the_page() {
    let broker = open().await;
    let link = broker.link_with("conversation-of-billy", json!({"metadata": {"case": "81"}})).await;
    crate::harness::browser::Browser::new().sign_in(super::url(&link)).await;
    let page = words(&admin(&broker).await.text("/admin").await);
    for word in ["conversation-of-billy", "5550100", "billy", "Billy", "al_", "ct_"] {
        assert!(!page.contains(word), "{word}");
    }
}
