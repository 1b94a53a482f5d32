//! Targets that are slow, huge, redirecting, private or gone: bounded, logged, and nobody else is delayed.

use std::time::Duration;

use serde_json::json;

use super::{came, log, with_settings, with_webhook};
use crate::harness::receiver::{Answer, Receiver};
use crate::harness::{Choices, Harness, eventually};

/// What the first attempt of some delivery came to.
async fn first_attempt(broker: &Harness, webhook: &str) -> serde_json::Value {
    eventually("there is an attempt", async || {
        let log = log(broker, webhook, "").await;
        log.iter().find_map(|delivery| delivery["attempts"].get(0).cloned())
    })
    .await
}

#[tokio::test]
async fn a_receiver_that_keeps_still_delays_nobody_else() {
    let (dead, well) = (Receiver::start().await, Receiver::start().await);
    let tenant = [dead.webhook("dead", ""), well.webhook("well", "")].concat();
    let mut broker = with_settings(&[&dead, &well], &tenant).await;
    broker.leaves_unsent();
    dead.does(|_| Answer::Hang);
    for number in 0..20 {
        broker.link(&format!("conv-{number}")).await;
    }
    came(&well, 20).await;
    // A call is given up after twelve seconds; by then the other has everything.
    assert!(log(&broker, "dead", "").await.iter().all(|delivery| delivery["attemptsMade"] == 0));
    let attempt = first_attempt(&broker, "dead").await;
    assert_eq!(attempt["code"], "timeout");
    assert!((12_000..20_000).contains(&attempt["tookMs"].as_u64().unwrap()), "{attempt}");
}

#[tokio::test]
async fn an_answer_that_drips_is_given_up() {
    let receiver = Receiver::start().await;
    let mut broker = with_webhook(&receiver, "").await;
    broker.leaves_unsent();
    receiver.does(|_| Answer::Drip);
    broker.link("conv-1").await;
    let attempt = first_attempt(&broker, "crm").await;
    assert_eq!(attempt["code"], "timeout");
}

#[tokio::test]
async fn a_huge_answer_is_not_read_and_its_status_counts() {
    let receiver = Receiver::start().await;
    let broker = with_webhook(&receiver, "").await;
    receiver.does(|_| Answer::Huge(200));
    broker.link("conv-1").await;
    broker.all_sent().await;
    let attempt = first_attempt(&broker, "crm").await;
    assert_eq!((&attempt["status"], attempt.get("code")), (&json!(200), None));
    assert!(attempt["tookMs"].as_u64().unwrap() < 10_000, "{attempt}");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (receiver, elsewhere) = (Receiver::start().await, Receiver::start().await);
    let mut broker = with_settings(&[&receiver, &elsewhere], &receiver.webhook("crm", "")).await;
    broker.leaves_unsent();
    let to = elsewhere.url();
    receiver.does(move |_| Answer::Redirect(to.clone()));
    broker.link("conv-1").await;
    let attempt = first_attempt(&broker, "crm").await;
    assert_eq!((&attempt["status"], &attempt["code"]), (&json!(307), &json!("redirected")));
    assert!(elsewhere.got().is_empty());
}

#[tokio::test]
async fn a_private_target_is_not_called() {
    let receiver = Receiver::start().await;
    let tenant = receiver.webhook("crm", "");
    let allow = vec![receiver.address.clone()];
    // The settings pass their check, as a name does that resolves to another address later.
    let choices = Choices { tenant, allow, refuse_when_dialled: true, ..Choices::default() };
    let mut broker = Harness::with(choices).await;
    broker.leaves_unsent();
    broker.link("conv-1").await;
    let attempt = first_attempt(&broker, "crm").await;
    assert_eq!(attempt["code"], "refused");
    assert!(receiver.got().is_empty());
}

#[tokio::test]
async fn nobody_there_and_an_early_end_have_their_codes() {
    let receiver = Receiver::start().await;
    let nobody =
        "[[webhook]]\nid = \"nobody\"\nurl = \"http://127.0.0.1:1/hook\"\nsecret = { env = \"ACME_HOOK\" }\n";
    let tenant = [nobody, &receiver.webhook("crm", "")].concat();
    let allow = vec![receiver.address.clone(), "127.0.0.1:1".to_owned()];
    let mut broker = Harness::with(Choices { tenant, allow, ..Choices::default() }).await;
    broker.leaves_unsent();
    receiver.does(|_| Answer::Close);
    broker.link("conv-1").await;
    assert_eq!(first_attempt(&broker, "crm").await["code"], "broken");
    assert_eq!(first_attempt(&broker, "nobody").await["code"], "unreachable");
}

#[tokio::test]
async fn who_says_gone_is_not_asked_again() {
    let receiver = Receiver::start().await;
    let broker = with_webhook(&receiver, "").await;
    receiver.does(|_| Answer::Status(410));
    broker.link("conv-1").await;
    broker.all_sent().await;
    let dead = log(&broker, "crm", "&state=dead").await;
    assert_eq!((dead.len(), &dead[0]["lastCode"], receiver.got().len()), (1, &json!("gone"), 1));
}

#[tokio::test]
async fn a_receiver_that_fails_for_everybody_is_called_seldom() {
    let receiver = Receiver::start().await;
    let mut broker = with_webhook(&receiver, "").await;
    broker.leaves_unsent();
    receiver.does(|_| Answer::Status(502));
    for number in 0..60 {
        broker.link(&format!("conv-{number}")).await;
    }
    came(&receiver, 5).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(receiver.got().len() < 30, "{} of 60 were sent all the same", receiver.got().len());
    receiver.does(|_| Answer::Status(200));
    broker.clock.advance(Duration::from_mins(1));
    broker.all_sent().await;
    assert_eq!(log(&broker, "crm", "&state=delivered").await.len(), 60);
}
