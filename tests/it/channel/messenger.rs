//! Account linking in Messenger, from the button to the proof, with the Facebook of `facebook`.

use countersign::channel::linking::{Linked, Opened, build_back, parse_opened, parse_opener};
use countersign::channel::signature::meta::{MetaFault, verify};
use countersign::channel::texts::{Told, parse_webhook};
use countersign::channel::{Means, MessageInput, render};
use countersign::domain::conversation::{Channel, Handle};
use countersign::secret::Secret;
use serde_json::Value;
use url::Url;

use super::facebook::Facebook;

const LINK: &str = "https://acme.example.com/a/Zm9vYmFy";

fn facebook() -> Facebook {
    Facebook::new("the app's secret", "PAGE")
}

fn message(handle: &str) -> Value {
    let means = Means { account_linking: true, ..Means::default() };
    render(&MessageInput { handle: Some(handle), means, ..MessageInput::of(Channel::Messenger, LINK) })
        .payload
}

/// Our page, as Facebook opens it.
fn opened(url: &Url) -> Opened {
    assert!(url.as_str().starts_with(LINK));
    parse_opened(url.query().unwrap()).unwrap()
}

fn opener(facebook: &Facebook, opened: &Opened) -> Option<Handle> {
    parse_opener(&facebook.answer(&opened.build_question(
        &"https://graph.facebook.com/v25.0".parse().unwrap(),
        &Secret::new("a page's token"),
    )))
}

/// Where a finished sign-in goes.
fn done(opened: &Opened, code: &str) -> Url {
    build_back(opened.build_failed().as_str(), Some(&Secret::new(code))).parse().unwrap()
}

/// Who linked an account, of a webhook.
fn linked(body: &[u8]) -> Vec<Linked> {
    let (_, told) = parse_webhook(Channel::Messenger, body).unwrap();
    let linked = told.into_iter().filter_map(|told| match told {
        Told::Linked(linked) => Some(linked),
        Told::Written(_) => None,
    });
    linked.collect()
}

#[test]
fn facebook_itself_says_who_signed_in() {
    let mut facebook = facebook();
    let opened = opened(&facebook.press("BILLY", &message("BILLY")));
    assert_eq!(opener(&facebook, &opened).unwrap().as_str(), "BILLY");
    let (header, body) = facebook.comes_back(&done(&opened, "our code/+"));
    assert_eq!(verify(&Secret::new("the app's secret"), &body, Some(&header)), Ok(()));
    let linked = linked(&body);
    let [linked] = linked.as_slice() else { panic!("{linked:?}") };
    assert_eq!((linked.sender.as_str(), &*linked.page), ("BILLY", "PAGE"));
    assert_eq!(linked.code.as_ref().unwrap().expose(), "our code/+");
}

#[test]
fn a_button_that_was_forwarded_is_known_by_who_presses_it() {
    let mut facebook = facebook();
    let opened = opened(&facebook.press("BILLY", &message("MALLORY")));
    let conversation = Handle::parse("MALLORY").unwrap();
    assert_ne!(opener(&facebook, &opened), Some(conversation), "before anybody is sent to the provider");
}

#[test]
fn a_token_that_facebook_does_not_know_names_nobody() {
    let mut facebook = facebook();
    let url = facebook.press("BILLY", &message("BILLY"));
    let made_up = url.as_str().replacen("AR%2B%2F0", "made-up", 1);
    assert_eq!(opener(&facebook, &opened(&made_up.parse().unwrap())), None);
}

#[test]
fn a_sign_in_that_failed_goes_back_without_a_code_and_links_nobody() {
    let mut facebook = facebook();
    let opened = opened(&facebook.press("BILLY", &message("BILLY")));
    let (_, body) = facebook.comes_back(&opened.build_failed());
    assert!(linked(&body).is_empty());
}

#[test]
fn a_forged_webhook_is_not_believed() {
    let mut forger = Facebook::new("a guess", "PAGE");
    let opened = opened(&forger.press("BILLY", &message("BILLY")));
    let (header, body) = forger.comes_back(&done(&opened, "a code"));
    let judged = |body: &[u8], header: &str| verify(&Secret::new("the app's secret"), body, Some(header));
    assert_eq!(judged(&body, &header), Err(MetaFault::Signature));
}
