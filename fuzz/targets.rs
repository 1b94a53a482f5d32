//! What each fuzz target does with bytes from outside. `tests/it/fuzz.rs` replays every corpus through these at
//! each test run; `cargo fuzz` (nightly) grows the corpora.
//!
//! To add a target: 1. a function below that panics where a parser breaks its word, and its row in [`TARGETS`],
//! 2. `fuzz_targets/<name>.rs` of three lines, as its neighbours, with a `[[bin]]` in `fuzz/Cargo.toml`, 3. seeds in
//! `corpus/<name>/`.

use countersign::channel::apple::gateway::Account;
use countersign::channel::apple::large_reply::LargeReply;
use countersign::channel::apple::relay::{APPLES_REDIRECT_URI, parse_opening, parse_redeeming};
use countersign::channel::apple::reply;
use countersign::channel::apple::response_key::ResponseKey;
use countersign::channel::{MessageInput, linking, render, signature, texts};
use countersign::config::Environment;
use countersign::domain::client::Scopes;
use countersign::domain::confirmation::TypedCode;
use countersign::domain::conversation::{Channel, Handle};
use countersign::domain::idempotency::IdempotencyKey;
use countersign::domain::json;
use countersign::domain::provider::template::UrlTemplate;
use countersign::domain::provider::{CallbackNames, Mapping};
use countersign::domain::redirect_uri::RedirectUri;
use countersign::domain::staff::StaffEmail;
use countersign::keyring::KeyRing;
use countersign::oauth::complaint::{Complaint, visible};
use countersign::oauth::jwk::KeySet;
use countersign::oauth::jws::Jws;
use countersign::oauth::metadata::Metadata;
use countersign::oauth::private_key::PrivateKey;
use countersign::oauth::pushed::parse_pushed_answer;
use countersign::oauth::response::{parse_form, parse_response};
use countersign::oauth::token::{Reading, parse_token_response};
use countersign::oauth::whoami::check_whoami_answer;
use countersign::oauth::wire::ProviderAnswer;
use countersign::profile::name::split;
use countersign::profile::{Input, Normaliser, email, parse_whoami};
use countersign::secret::Secret;
use countersign::store::backup::piece;
use countersign::store::keys::{Due, Listed};
use countersign::tenants::ReadContext;
use countersign::web::oauth::credentials;
use countersign::web::oauth::parameters::Parameters;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};

/// What a target does with bytes.
pub type Target = fn(&[u8]);

/// A target's name and what it does.
pub const TARGETS: &[(&str, Target)] = &[
    ("callback", callback),
    ("token_answer", token_answer),
    ("metadata", metadata),
    ("key_set", key_set),
    ("jws", jws),
    ("private_key", private_key),
    ("whoami", whoami),
    ("mapping", mapping),
    ("name", name),
    ("email", email_address),
    ("message", message),
    ("tenant_file", tenant_file),
    ("key_ring", key_ring),
    ("backup", backup),
    ("stored_bytes", stored_bytes),
    ("url_template", url_template),
    ("wording", wording),
    ("apple_reply", apple_reply),
    ("apple_page", apple_page),
    ("apple_token", apple_token),
    ("account_linking", account_linking),
    ("webhook_signature", webhook_signature),
    ("token_form", token_form),
    ("redirect_uri", redirect_uri),
    ("provider_page", provider_page),
    ("whoami_answer", whoami_answer),
    ("large_reply", large_reply),
    ("json_body", json_body),
];

/// Carries a target out.
pub fn run(name: &str, bytes: &[u8]) {
    let target = TARGETS.iter().find(|(known, _)| *known == name).expect("each file is named for its target");
    (target.1)(bytes);
}

/// The query or form of a callback: what is read is what stands there, once.
pub fn callback(bytes: &[u8]) {
    let Ok(pairs) = parse_form(bytes) else { return };
    if let Ok(response) = parse_response(&pairs, &CallbackNames::default()) {
        let states = pairs.iter().filter(|(name, _)| name == "state").count();
        assert_eq!(states, 1, "a response has one state");
        assert!(!response.state.is_empty());
    }
}

/// A token endpoint's answer: the first byte chooses its status and type.
pub fn token_answer(bytes: &[u8]) {
    let Some((first, body)) = bytes.split_first() else { return };
    let answer = answer(*first, body);
    if let Ok(token) = parse_token_response(&answer, Reading { find: None, any_type: false }) {
        assert!(!token.access_token.is_blank(), "a blank token is none");
    }
}

/// An issuer's metadata.
pub fn metadata(bytes: &[u8]) {
    let issuer = "https://id.example";
    if let Ok(found) = Metadata::parse(&answer(0, bytes), issuer) {
        assert_eq!(found.issuer.as_exact(), Some(issuer), "metadata of another issuer count for nothing");
    }
}

/// A JSON Web Key Set.
pub fn key_set(bytes: &[u8]) {
    let _ = KeySet::parse(bytes);
}

/// A JSON Web Signature in its compact form: what was signed stands in the text.
pub fn jws(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(parsed) = Jws::parse(text) {
        assert!(text.as_bytes().starts_with(parsed.signed));
    }
}

/// A private key as a PEM or JWK.
pub fn private_key(bytes: &[u8]) {
    let _ = PrivateKey::parse(&Secret::new(String::from_utf8_lossy(bytes)));
}

/// A `WhoAmI` answer and the default normaliser.
pub fn whoami(bytes: &[u8]) {
    let Ok(body) = parse_whoami(bytes) else { return };
    let normaliser = Normaliser::new(None, None, &[]).expect("no mapping has no fault");
    let input = Input { whoami: &body, claims: None, token_response: None, named: &[] };
    if let Ok(signed_in) = normaliser.normalise(&input) {
        assert!(signed_in.subject.as_ref().is_none_or(|subject| !subject.trim().is_empty()));
    }
}

/// A mapping (the first line) on an answer (the rest): it cannot take the process down.
pub fn mapping(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (expression, payload) = text.split_once('\n').unwrap_or((&text, "{}"));
    let Ok(body) = parse_whoami(payload.as_bytes()) else { return };
    let whole = Mapping::Whole(expression.to_owned());
    if let Ok(normaliser) = Normaliser::new(Some(&whole), None, &[]) {
        let _ =
            normaliser.normalise(&Input { whoami: &body, claims: None, token_response: None, named: &[] });
    }
}

/// A full name.
pub fn name(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let parts = split(&text);
    for part in [&parts.first, &parts.last] {
        assert!(part.trim() == part && !part.chars().any(char::is_control), "{part:?}");
    }
}

/// An email address: one `@`, no control character, none that looks like another.
pub fn email_address(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Some(address) = email::parse(&text) {
        assert_eq!(address.matches('@').count(), 1);
        assert!(!address.chars().any(char::is_control));
    }
    if let Ok(address) = text.parse::<StaffEmail>() {
        assert_eq!(address.as_str().parse::<StaffEmail>().as_ref(), Ok(&address), "it stays what it is");
    }
}

/// A customer's message, and the address that it came from.
pub fn message(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let _ = TypedCode::find(&text);
    if let Ok(handle) = Handle::parse(&text) {
        let _ = handle.masked();
    }
}

/// A tenant's file: a fault or a tenant, never both and never neither.
pub fn tenant_file(bytes: &[u8]) {
    let environment: Environment = [("SECRET", "a secret of the fuzzer")].into_iter().collect();
    let base = "https://countersign.example".parse().expect("a URL");
    let context = ReadContext {
        base_url: &base,
        allow: &[],
        ports: &[443, 8443],
        dangerous_demo: false,
        environment: &environment,
        keys: std::path::Path::new("no-keys.toml"),
        stored: false,
        without_secrets: false,
    };
    let id = "acme".parse().expect("a tenant's name");
    let text = String::from_utf8_lossy(bytes).into_owned();
    let draft = countersign::tenants::file::read(&id, "acme.toml", text, &context);
    assert_eq!(draft.tenant.is_some(), draft.faults.is_empty());
}

/// A key ring.
pub fn key_ring(bytes: &[u8]) {
    let _ = KeyRing::parse("keys.toml", &String::from_utf8_lossy(bytes));
}

/// The pieces of a backup's frame.
pub fn backup(bytes: &[u8]) {
    let _ = piece::parse(bytes.to_vec());
}

/// Members of sets and cursors of lists.
pub fn stored_bytes(bytes: &[u8]) {
    if let Some(due) = Due::parse(bytes) {
        assert_eq!(due.to_member(), bytes);
    }
    let _ = Listed::parse(bytes);
    if let Some(member) = Listed::parse_cursor(&String::from_utf8_lossy(bytes)) {
        assert!(Listed::parse(&member).is_some());
    }
}

/// A URL with places in it: what is put there never chooses the host.
pub fn url_template(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let _ = UrlTemplate::parse(&text);
}

/// A tenant's wording, on every channel: the link is whole in the text, and whole or absent in the payload.
pub fn wording(bytes: &[u8]) {
    const LINK: &str = "https://acme.example/a/Zm9vYmFyYmF6";
    let wording = String::from_utf8_lossy(bytes);
    if wording.contains("https://acme.example") {
        return;
    }
    for channel in Channel::ALL {
        let message = render(&MessageInput {
            tenant_name: "Acme",
            wording: Some(&wording),
            ..MessageInput::of(channel, LINK)
        });
        assert!(message.text.contains(LINK), "{channel}");
        let payload = message.payload.to_string();
        let begun = payload.matches("https://acme.example").count();
        assert_eq!(begun, payload.matches(LINK).count(), "{channel}: {payload}");
    }
}

/// What Apple posts: unpacked within its bound, and a reply only with its identifier.
pub fn apple_reply(bytes: &[u8]) {
    if let Ok(unpacked) = reply::unzip(bytes, 4096) {
        assert!(unpacked.len() <= 4096);
        let _ = reply::parse(&unpacked);
    }
    if let Ok(inbound) = reply::parse(bytes) {
        assert!(!inbound.customer.as_str().is_empty() && !inbound.business.is_empty());
    }
}

/// What a phone opens and redeems.
pub fn apple_page(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(opening) = parse_opening(&text) {
        assert!(!opening.state.expose().is_empty());
        assert_eq!(opening.response_key.is_some(), opening.redirect_uri == APPLES_REDIRECT_URI);
    }
    let (query, form) = text.split_once('\n').unwrap_or(("", &text));
    if let Ok(redeeming) = parse_redeeming(query, form) {
        assert!(!redeeming.code.expose().is_empty());
    }
}

/// The token of Apple's older flow: nothing but what was encrypted for the request is read.
pub fn apple_token(bytes: &[u8]) {
    let key = ResponseKey::from_random([7; 48]).expect("a number below the order");
    if let Ok(plain) = key.decrypt(&String::from_utf8_lossy(bytes)) {
        assert_eq!(plain.expose(), "relay of the seeds");
    }
}

/// Messenger's account linking: nobody is sent anywhere but to Facebook.
pub fn account_linking(bytes: &[u8]) {
    if let Ok(opened) = linking::parse_opened(&String::from_utf8_lossy(bytes)) {
        let host = opened.build_failed().host_str().map(str::to_owned);
        assert!(host.is_some_and(|host| host.ends_with(".facebook.com")));
    }
    let _ = linking::parse_opener(bytes);
    for channel in [Channel::Messenger, Channel::Instagram, Channel::Whatsapp] {
        let _ = texts::parse_webhook(channel, bytes);
    }
}

/// A header (the first line) on a body (the rest): nobody who lacks the secret signs anything.
pub fn webhook_signature(bytes: &[u8]) {
    let secret = Secret::new("c2VjcmV0IG9mIHRoZSBmdXp6ZXI=");
    let line = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let (header, body) = bytes.split_at(line);
    let header = String::from_utf8_lossy(header);
    assert!(signature::meta::verify(&secret, body, Some(&header)).is_err());
    let account = Account { platform_id: "platform", secret: &secret };
    let then = "1970-01-01T00:00:00Z".parse().expect("a time");
    assert!(signature::apple::verify(&account, Some(&header), then).is_err());
    let _ = signature::meta::answer_challenge(&secret, &header);
}

/// The body of a request to our token endpoint, a form or JSON by the first byte, and who asks: a header (the first line)
/// or the parameters, and never both.
pub fn token_form(bytes: &[u8]) {
    let Some((first, rest)) = bytes.split_first() else { return };
    let line = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
    let (header, body) = rest.split_at(line);
    let mut headers = HeaderMap::new();
    let kind = ["application/x-www-form-urlencoded", "application/json"][usize::from(first % 2)];
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    let basic = HeaderValue::from_bytes(header).ok().filter(|header| !header.is_empty());
    let shows_header = basic.is_some();
    headers.extend(basic.map(|header| (AUTHORIZATION, header)));
    let Ok(mut parameters) = Parameters::parse(&headers, body.strip_prefix(b"\n").unwrap_or(body)) else {
        return;
    };
    let Ok(who) = credentials::take(&headers, &mut parameters) else { return };
    assert!(!(who.secret.is_some() && who.assertion.is_some()), "one proof at most");
    assert!(!(shows_header && who.assertion.is_some()), "nor two ways at once");
    for name in ["client_id", "client_secret", "client_assertion"] {
        assert!(!matches!(parameters.take(name), Ok(Some(text)) if text.is_empty()), "{name}");
    }
}

/// What a client registers (the first line), and where somebody wants to be answered (the rest).
pub fn redirect_uri(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (registered, asked) = text.split_once('\n').unwrap_or((&text, &text));
    let Ok(known) = RedirectUri::parse(registered) else { return };
    assert!(known.allows(known.as_str()));
    if known.allows(asked) && asked != known.as_str() {
        let is_here =
            |text: &str| ["http://127.0.0.1", "http://[::1]"].iter().any(|own| text.starts_with(own));
        assert!(is_here(known.as_str()) && is_here(asked), "only a port on the device may differ: {asked}");
    }
}

/// A page of a provider that refuses something, and an error in its words.
pub fn provider_page(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let _ = Complaint::of_page(&text);
    let (error, description) = text.split_once('\n').unwrap_or((&text, ""));
    let _ = Complaint::of_error(error, Some(description));
    assert!(visible("<p>before</p><script>").trim() == "before");
}

/// A `WhoAmI` answer with its status and type, and one to a pushed request: the first byte chooses both.
pub fn whoami_answer(bytes: &[u8]) {
    let Some((first, body)) = bytes.split_first() else { return };
    let answer = answer(*first, body);
    if let Ok(found) = check_whoami_answer(&answer) {
        assert!((200..300).contains(&answer.status) && !found.json.trim_ascii().is_empty());
        let _ = parse_whoami(found.json);
    }
    if let Ok(name) = parse_pushed_answer(&answer) {
        assert!(!name.is_empty() && !name.contains(char::is_whitespace));
    }
}

/// What Apple's webhook says of a reply that is too big for it, and the interactive part of one.
pub fn large_reply(bytes: &[u8]) {
    let Ok(value) = json::parse(&String::from_utf8_lossy(bytes)) else { return };
    if let Ok(reference) = LargeReply::parse(&value) {
        for (name, header) in reference.headers() {
            assert!(header.bytes().all(|byte| (0x20..0x7f).contains(&byte)), "{name}");
        }
        assert!(
            reference.decrypt(Vec::new()).is_err()
                || reference.decrypt(Vec::new()).is_ok_and(|file| file.is_empty())
        );
    }
    if let Ok(Some(reply)) = reply::parse_interactive(&value) {
        assert!((1..=64).contains(&reply.request.as_str().len()));
    }
}

/// A JSON body: what is read is read the same again, and no member stood twice.
pub fn json_body(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(value) = json::parse(&text) {
        let written = value.to_string();
        assert_eq!(json::parse(&written).ok(), Some(value), "{written}");
    }
    if let Ok(scopes) = Scopes::parse(&text) {
        assert_eq!(Scopes::parse(&scopes.to_string()).as_ref(), Ok(&scopes));
    }
    if let Ok(key) = text.parse::<IdempotencyKey>() {
        assert!(key.as_str().bytes().all(|byte| byte.is_ascii_graphic()));
    }
}

fn answer(first: u8, body: &[u8]) -> ProviderAnswer {
    let status = [200, 200, 200, 400, 401, 500, 302, 201][usize::from(first % 8)];
    let types = ["application/json", "text/plain", "application/x-www-form-urlencoded", "text/html"];
    let content_type = Some(types[usize::from(first / 8 % 4)].to_owned());
    ProviderAnswer { status, content_type, body: body.to_vec() }
}
