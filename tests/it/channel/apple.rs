//! Both flows of Apple Messages, from the message to the proof, with the phone and the gateway of `messages_app`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign::channel::apple::gateway::Account;
use countersign::channel::apple::relay::{
    Sent, build_back, build_back_failed, build_token, parse_opening, parse_redeeming,
};
use countersign::channel::apple::reply::{Content, Inbound, Reply, parse, unzip};
use countersign::channel::apple::response_key::{ResponseKey, TokenFault};
use countersign::channel::apple::sheet::{Ended, build};
use countersign::channel::apple::verdict::{Asked, Ignored, Over, Verdict, judge};
use countersign::channel::apple::{Ask, Flow, RequestIdentifier, Way};
use countersign::channel::{AppleAccount, AppleFlow, Capabilities, Means, MessageInput, render, signature};
use countersign::domain::conversation::{Channel, Handle};
use countersign::secret::Secret;
use jiff::Timestamp;
use serde_json::Value;

use super::messages_app::{Gateway, Page, Phone, Registered, Sheet};

const BUSINESS: &str = "biz-1";
const CALLBACK: &str = "https://acme.example.com/web/inbound/abc/oauth/abcAuth2Redirect";
/// What our last page told the sheet.
const NUMBER: u32 = 0x7fff_ffff;
const GATEWAY: Gateway = Gateway { platform_id: "platform-1", key: b"a secret that Apple gave out" };
const BILLY: Phone = Phone { customer: "urn:mbid:BILLY" };
const MALLORY: Phone = Phone { customer: "urn:mbid:MALLORY" };

/// One message of ours, and what we remember of it.
struct Story {
    flow: Flow,
    request: RequestIdentifier,
    state: Secret,
    key: ResponseKey,
    customer: Handle,
    message: Value,
}

fn registered() -> Registered {
    let authorize = "https://acme.example.com/web/inbound/abc/oauth/authorize?lost=1".parse().unwrap();
    Registered { authorize, client_id: "acme-at-apple" }
}

impl Story {
    /// Asks a customer to sign in by a flow.
    fn begin(flow: Flow, phone: &Phone, seed: u8) -> Self {
        let request =
            RequestIdentifier::parse(&format!("0198A1B2-0000-7000-8000-0000000000{seed:02X}")).unwrap();
        let (state, key) =
            (Secret::new(format!("state/{seed}+=")), ResponseKey::from_random([seed; 48]).unwrap());
        let public_key = key.public_key();
        let (way, wanted) = match flow {
            Flow::Older => (Way::Older { public_key: &public_key }, AppleFlow::Older),
            Flow::Newer => (Way::Newer { redirect_uri: CALLBACK }, AppleFlow::Newer),
        };
        let (said, scope) = (["auth".to_owned()], ["read".to_owned(), "email".to_owned()]);
        let account = AppleAccount { business_id: BUSINESS, flow: wanted, signs_in: true };
        let message = render(&MessageInput {
            tenant_name: "Acme Bank",
            handle: Some(phone.customer),
            capabilities: Capabilities::new(&said),
            means: Means { apple: Some(account), ..Means::default() },
            ask: Some(Ask { request: &request, state: &state, scope: &scope, version: None, way }),
            ..MessageInput::of(Channel::Apple, "https://acme.example.com/a/x")
        });
        let customer = Handle::parse(phone.customer).unwrap();
        Self { flow, request, state, key, customer, message: message.payload }
    }

    /// Our authorize page: whether it takes what a sheet opened.
    fn opens(&self, sheet: &Sheet) -> bool {
        let public_key = self.key.public_key();
        let sent = Sent {
            client_id: "acme-at-apple",
            state: &self.state,
            redirect_uri: CALLBACK,
            response_key: (self.flow == Flow::Older).then_some(&public_key),
        };
        parse_opening(sheet.url.query().unwrap()).is_ok_and(|opening| opening.verify(&sent).is_ok())
    }

    fn weigh(&self, exchanged: bool, (inbound, reply): &(Inbound, Reply)) -> Verdict {
        let (request, customer) = (&self.request, &self.customer);
        let (flow, number) = (self.flow, Some(NUMBER));
        let asked = Asked { request, customer, business: BUSINESS, flow, exchanged, number };
        judge(&asked, inbound, reply)
    }
}

fn now() -> Timestamp {
    "2026-11-22T10:00:00Z".parse().unwrap()
}

/// Takes a message through the gateway and our side of it.
fn arrive(message: &Value) -> (Inbound, Reply) {
    let secret = Secret::new(STANDARD.encode(GATEWAY.key));
    let (header, body) = GATEWAY.post(message, now().as_second());
    let account = Account { platform_id: GATEWAY.platform_id, secret: &secret };
    signature::apple::verify(&account, Some(&header), now()).unwrap();
    let inbound = parse(&unzip(&body, 64 * 1024).unwrap()).unwrap();
    let Content::Reply(reply) = inbound.content.clone() else { panic!("{inbound:?}") };
    (inbound, reply)
}

#[test]
fn the_newer_flow_verifies_who_signed_in_and_replied() {
    let story = Story::begin(Flow::Newer, &BILLY, 1);
    let sheet = BILLY.press(&story.message, &registered()).unwrap_or_else(|fault| panic!("{fault}"));
    assert!(story.opens(&sheet) && !sheet.url.as_str().contains("lost"), "{}", sheet.url);
    let page = sheet.follow(&build(Ended::Success, Some(NUMBER)));
    let reply = arrive(&BILLY.reply(BUSINESS, &sheet, &page));
    assert!(matches!(story.weigh(true, &reply), Verdict::Verified));
    let hers = sheet.follow("messages-auth://?status=success");
    let forged = arrive(&BILLY.reply(BUSINESS, &sheet, &hers));
    assert!(matches!(story.weigh(true, &forged), Verdict::Forged), "a page of anybody's can say so");
    assert!(matches!(story.weigh(false, &reply), Verdict::Ignored(Ignored::NobodySignedIn)));
}

#[test]
fn the_newer_flow_ends_where_the_customer_or_the_provider_ends_it() {
    let story = Story::begin(Flow::Newer, &BILLY, 1);
    let sheet = BILLY.press(&story.message, &registered()).unwrap_or_else(|fault| panic!("{fault}"));
    for (ended, over) in [(Ended::Cancelled, Over::Cancelled), (Ended::Failure, Over::Failed)] {
        let page = sheet.follow(&build(ended, Some(7)));
        assert_eq!(page, Page::Closed { status: ended.as_str(), error_code: Some(7) });
        let verdict = story.weigh(true, &arrive(&BILLY.reply(BUSINESS, &sheet, &page)));
        assert!(matches!(verdict, Verdict::Over(found) if found == over), "{verdict:?}");
    }
    assert_eq!(
        sheet.follow("https://acme.example.com/a/r/x"),
        Page::Loaded,
        "an ordinary page leaves it open"
    );
}

#[test]
fn the_older_flow_verifies_who_brings_the_relay_token_back() {
    let story = Story::begin(Flow::Older, &BILLY, 2);
    let sheet = BILLY.press(&story.message, &registered()).unwrap_or_else(|fault| panic!("{fault}"));
    assert!(story.opens(&sheet));
    let (code, token) = (Secret::new("relay code/+"), Secret::new("relay token"));
    let Page::Caught { code: caught } = sheet.follow(&build_back(&code, &story.state)) else {
        panic!("the code was not caught")
    };
    let redeeming = parse_redeeming("", &sheet.redeem("acme-at-apple", &caught)).unwrap();
    assert!(code.matches(redeeming.code.expose()));
    let answer = build_token(&token, 60);
    let reply = BILLY.reply_with(BUSINESS, &sheet, answer["access_token"].as_str().unwrap());
    let Verdict::Redeem(sealed) = story.weigh(true, &arrive(&reply)) else { panic!("not to be redeemed") };
    assert!(token.matches(story.key.decrypt(sealed.expose()).unwrap().expose()));
    assert!(!reply.to_string().contains("relay token"), "nobody on the way can read it");
}

#[test]
fn the_older_flow_gets_no_code_where_the_customer_declined() {
    let story = Story::begin(Flow::Older, &BILLY, 2);
    let sheet = BILLY.press(&story.message, &registered()).unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!(sheet.follow(&build_back_failed("access_denied", &story.state)), Page::Loaded);
}

#[test]
fn a_page_that_was_forwarded_to_a_victim_verifies_nobody_in_the_attackers_chat() {
    // Mallory copies the page out of her sheet and sends it to Billy, who signs in.
    let hers = Story::begin(Flow::Newer, &MALLORY, 3);
    let sheet = MALLORY.press(&hers.message, &registered()).unwrap_or_else(|fault| panic!("{fault}"));
    // His browser reaches our callback, but her sheet never reaches the end: she can only close it.
    let page = Page::Closed { status: "cancel", error_code: None };
    let reply = arrive(&MALLORY.reply(BUSINESS, &sheet, &page));
    assert!(matches!(hers.weigh(true, &reply), Verdict::Over(Over::Cancelled)));
    // Nor does a reply of Billy's to her request count.
    let page = sheet.follow(&build(Ended::Success, None));
    let reply = arrive(&BILLY.reply(BUSINESS, &sheet, &page));
    assert!(matches!(hers.weigh(true, &reply), Verdict::Ignored(Ignored::OtherCustomer)));
}

#[test]
fn a_token_or_reply_of_another_request_is_worth_nothing() {
    let (hers, his) = (Story::begin(Flow::Older, &MALLORY, 4), Story::begin(Flow::Older, &BILLY, 5));
    let sheet = BILLY.press(&his.message, &registered()).unwrap_or_else(|fault| panic!("{fault}"));
    assert!(!hers.opens(&sheet), "his page with her request");
    let reply = arrive(&BILLY.reply_with(BUSINESS, &sheet, "relay token"));
    assert!(matches!(hers.weigh(true, &reply), Verdict::Ignored(Ignored::OtherRequest)));
    let Verdict::Redeem(sealed) = his.weigh(true, &reply) else { panic!("not to be redeemed") };
    assert_eq!(hers.key.decrypt(sealed.expose()).unwrap_err(), TokenFault::Tag);
}

#[test]
fn the_phone_refuses_what_a_real_one_refuses() {
    let story = Story::begin(Flow::Newer, &BILLY, 6);
    let refused = |pointer: &str, value: Value| {
        let mut message = story.message.clone();
        *message.pointer_mut(&format!("/interactiveData/data{pointer}")).unwrap() = value;
        BILLY.press(&message, &registered()).err()
    };
    let oauth2 = "/authenticate/oauth2";
    assert_eq!(
        refused("/version", "1.0".into()),
        Some("responseEncryptionKey"),
        "the version chooses the flow"
    );
    assert_eq!(refused(&format!("{oauth2}/redirectURI"), "messages:".into()), Some("redirectURI"));
    assert_eq!(refused(&format!("{oauth2}/state"), "".into()), Some("state"));
    assert_eq!(refused(&format!("{oauth2}/scope"), serde_json::json!([""])), Some("scope"));
    assert_eq!(refused(&format!("{oauth2}/responseType"), "id_token".into()), Some("responseType"));
}

#[test]
fn a_webhook_that_is_stale_or_of_another_platform_is_not_believed() {
    let secret = Secret::new(STANDARD.encode(GATEWAY.key));
    let account = Account { platform_id: GATEWAY.platform_id, secret: &secret };
    let judged = |gateway: &Gateway, issued_at: i64| {
        let (header, _) = gateway.post(&Value::Null, issued_at);
        signature::apple::verify(&account, Some(&header), now())
    };
    let then = now().as_second();
    assert_eq!(judged(&GATEWAY, then), Ok(()));
    assert_eq!(judged(&GATEWAY, then - 3600), Err(signature::apple::AppleFault::Expired));
    let other = Gateway { platform_id: "platform-2", ..GATEWAY };
    assert_eq!(judged(&other, then), Err(signature::apple::AppleFault::Audience));
    let forged = Gateway { key: b"a guess", ..GATEWAY };
    assert_eq!(judged(&forged, then), Err(signature::apple::AppleFault::Signature));
}
