//! What the small steps of a login cost, each alone: `cargo bench --bench micro`.
//! The figures to keep stand in `docs/performance.md`.

#![expect(clippy::unwrap_used, reason = "a bench may fail where it stands")]

use std::hint::black_box;
use std::sync::Arc;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use countersign::channel::{self, MessageInput};
use countersign::clock::Clock;
use countersign::domain::algorithm::Algorithm;
use countersign::domain::client::{Client, Scopes};
use countersign::domain::conversation::{Channel, Handle};
use countersign::domain::provider::Mapping;
use countersign::domain::tenant::Tenant;
use countersign::issuer::keys::{KeyState, SigningKey, SigningKeys};
use countersign::issuer::tokens::{Issuing, Tokens};
use countersign::oauth::id_token::{ExpectedIdToken, Keys, Moment, SKEW, verify_id_token};
use countersign::oauth::issuer::Issuer;
use countersign::oauth::jwk::KeySet;
use countersign::oauth::private_key::PrivateKey;
use countersign::profile::{Input, Normaliser, parse_whoami};
use countersign::secret::Secret;
use countersign::store::seal::SealKeys;
use countersign::store::sqlite::SqliteBackend;
use countersign::store::{Store, TenantStore};
use countersign::web::page::{self, Landing, Outcome, ResultPage, Visitor};
use divan::Bencher;
use http::StatusCode;
use jiff::SignedDuration;

const SEED: &[u8] =
    br#"{"user": {"id": "billy.bob", "name": "Billy Bob", "email": "billy.bob@example.com"}}"#;
const SEED_MAPPING: &str = r#"{"userName": user.id, "fullName": user.name, "email": user.email}"#;
const TEN: &[u8] =
    br#"{"account": {"no": 9007199254740993123, "login": "billy", "given": "Billy", "family": "Bob",
    "mails": [{"v": "old@example.com", "main": false}, {"v": "billy.bob@example.com", "main": true}],
    "phone": "+15550100", "lang": "en-US", "tier": "gold", "tags": ["a", "b", "c"], "since": "2019-04-01"}}"#;
const TEN_MAPPING: &str = r#"{"userId": account.no, "userName": account.login, "firstName": account.given,
    "lastName": account.family, "email": account.mails[?main].v | [0], "phone": account.phone,
    "locale": account.lang, "tier": account.tier, "tags": join(', ', account.tags), "since": account.since}"#;

/// As an OpenID Connect provider answers, with all that it may say.
const OIDC: &[u8] = br#"{"sub": "248289761001", "name": "Billy Bob", "given_name": "Billy", "family_name": "Bob",
    "middle_name": "Ray", "nickname": "billy", "preferred_username": "billy.bob", "profile": "https://example.com/billy",
    "picture": "https://example.com/billy.jpg", "website": "https://example.com", "email": "billy.bob@example.com",
    "email_verified": true, "gender": "male", "birthdate": "1990-01-01", "zoneinfo": "Europe/Vienna", "locale": "de-AT",
    "phone_number": "+15550100", "phone_number_verified": false,
    "address": {"street_address": "Main Street 1", "locality": "Springfield", "country": "US"}, "updated_at": 1311280970}"#;

fn main() {
    divan::main();
}

/// From the bytes of a `WhoAmI` answer to the profile, with the mapping compiled before.
fn normalise(bencher: Bencher, mapping: &str, body: &'static [u8]) {
    let mapping = Mapping::Whole(mapping.to_owned());
    let normaliser = Normaliser::new(Some(&mapping), None, &[]).unwrap();
    bencher.bench_local(|| {
        let whoami = parse_whoami(black_box(body)).unwrap();
        let input = Input { whoami: &whoami, claims: None, token_response: None, named: &[] };
        normaliser.normalise(&input).unwrap()
    });
}

#[divan::bench]
fn profile_of_the_seed(bencher: Bencher) {
    normalise(bencher, SEED_MAPPING, SEED);
}

/// Twenty fields without a mapping.
#[divan::bench]
fn profile_of_an_oidc_answer(bencher: Bencher) {
    let normaliser = Normaliser::new(None, None, &[]).unwrap();
    bencher.bench_local(|| {
        let whoami = parse_whoami(black_box(OIDC)).unwrap();
        let input = Input { whoami: &whoami, claims: None, token_response: None, named: &[] };
        normaliser.normalise(&input).unwrap()
    });
}

#[divan::bench]
fn profile_of_ten_fields(bencher: Bencher) {
    normalise(bencher, TEN_MAPPING, TEN);
}

/// A store of one tenant; the file is never touched.
fn store() -> TenantStore {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::system();
    let backend = Arc::new(SqliteBackend::open(folder.path().join("bench.db"), clock.clone()).unwrap());
    let keys = SealKeys::new("k", [("k".to_owned(), [1; 32])], [2; 32]).unwrap();
    Store::new(backend, keys, clock).at(&"bench".parse().unwrap())
}

/// As long as a usual record.
fn record() -> String {
    "x".repeat(700)
}

#[divan::bench]
fn seal_a_record(bencher: Bencher) {
    let (store, record) = (store(), record());
    bencher.bench_local(|| store.seal_text("bench", black_box(&record)));
}

#[divan::bench]
fn open_a_record(bencher: Bencher) {
    let store = store();
    let sealed = store.seal_text("bench", &record());
    bencher.bench_local(|| store.open_text("bench", black_box(&sealed)).unwrap());
}

#[divan::bench]
fn keyed_hash(bencher: Bencher) {
    let store = store();
    let token = Clock::system().fresh_token();
    bencher.bench_local(|| store.hash("bench", black_box(token.expose())));
}

#[divan::bench]
fn fresh_token(bencher: Bencher) {
    let clock = Clock::system();
    bencher.bench_local(|| clock.fresh_token());
}

fn tenant() -> Tenant {
    Tenant {
        name: "Acme Bank".to_owned(),
        origin: "https://acme.example.com".to_owned(),
        hosts: vec!["acme.example.com".to_owned()],
        clients: vec![Client { scopes: scopes(), ..Client::named("bot".parse().unwrap()) }],
        ..Tenant::named("acme".parse().unwrap())
    }
}

fn scopes() -> Scopes {
    Scopes::parse("read:auth_links write:auth_links").unwrap()
}

fn pem(pkcs8: &[u8]) -> Secret {
    let text = STANDARD.encode(pkcs8);
    Secret::new(format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n"))
}

fn rsa_pem() -> Secret {
    pem(KeyPair::generate(KeySize::Rsa2048).unwrap().as_der().unwrap().as_ref())
}

fn tokens() -> Tokens {
    let key = SigningKey { kid: "k".to_owned(), private: rsa_pem(), state: KeyState::Active };
    Tokens::new(SigningKeys::new([key]).unwrap(), Clock::system())
}

fn mint(tokens: &Tokens, tenant: &Tenant) -> Secret {
    tokens.mint(&Issuing::from(tenant), &tenant.clients[0].client_id, &scopes()).unwrap().token
}

/// RSA and claims: what the first call with a token costs.
#[divan::bench(sample_count = 200, sample_size = 1)]
fn bearer_token_first_time(bencher: Bencher) {
    let (tokens, tenant) = (tokens(), tenant());
    let fresh = || mint(&tokens, &tenant);
    bencher
        .with_inputs(fresh)
        .bench_local_values(|token| tokens.verify(&tenant, black_box(token.expose())).unwrap());
}

#[divan::bench]
fn bearer_token_again(bencher: Bencher) {
    let (tokens, tenant) = (tokens(), tenant());
    let token = mint(&tokens, &tenant);
    bencher.bench_local(|| tokens.verify(&tenant, black_box(token.expose())).unwrap());
}

fn visitor() -> Visitor<'static> {
    Visitor {
        tenant: Some("Acme Bank"),
        locale: None,
        accept_language: Some("de-AT,de;q=0.9,en;q=0.8"),
        request_id: "0123456789abcdef",
        https: true,
    }
}

#[divan::bench]
fn landing_page(bencher: Bencher) {
    let now = Clock::system().now();
    let (handle, url) = (Handle::parse("+15550100").unwrap(), "https://id.example/auth".parse().unwrap());
    bencher.bench_local(|| {
        let landing = Landing {
            channel: Channel::Sms,
            handle: Some(&handle),
            provider: "Acme online banking",
            authorize_url: &url,
            shares: &["email", "fullName", "userName"],
            path: "/a/token",
            query: "",
            now,
            expires_at: now + SignedDuration::from_mins(15),
            robot: false,
            can_decline: true,
        };
        page::landing(&visitor(), black_box(&landing))
    });
}

fn result_page(bencher: Bencher, outcome: Outcome) {
    let now = Clock::system().now();
    let page = ResultPage {
        status: StatusCode::OK,
        channel: Channel::Sms,
        provider: "Acme online banking",
        outcome,
        back: Some("sms:+15550199"),
        retry: None,
        reference: "at_0123456789abcdef",
        now,
    };
    bencher.bench_local(|| page::result(&visitor(), black_box(&page)));
}

#[divan::bench]
fn result_page_completed(bencher: Bencher) {
    result_page(bencher, Outcome::Completed);
}

#[divan::bench]
fn result_page_with_code(bencher: Bencher) {
    let code = Secret::new("123456");
    let until = Clock::system().now() + SignedDuration::from_mins(5);
    result_page(bencher, Outcome::Provisional { code: &code, until });
}

#[divan::bench]
fn sms_message(bencher: Bencher) {
    bencher.bench_local(|| {
        channel::render(black_box(&MessageInput {
            tenant_name: "Acme Bank",
            provider_label: "Acme online banking",
            ..MessageInput::of(
                Channel::Sms,
                "https://acme.example.com/a/0123456789012345678901234567890123456789012",
            )
        }))
    });
}

/// From the text of an id_token to its verified claims, with the key set read before.
fn id_token(bencher: Bencher, key: &Secret, algorithm: Algorithm) {
    let key = PrivateKey::parse(key).unwrap();
    let now = Clock::system().now();
    let second = now.as_second();
    let header = format!(r#"{{"alg":"{algorithm}","kid":"k","typ":"JWT"}}"#);
    let claims = format!(
        r#"{{"iss":"https://id.example","sub":"248289761001","aud":"our-client","exp":{},"iat":{second},
        "nonce":"n-0S6_WzA2Mj","email":"billy.bob@example.com","email_verified":true,"name":"Billy Bob"}}"#,
        second + 300
    );
    let text = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let signature = key.sign(algorithm, text.as_bytes()).unwrap();
    let token = format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature));
    let jwks = format!(r#"{{"keys":[{}]}}"#, key.public_jwk(Some("k")));
    let set = KeySet::parse(jwks.as_bytes()).unwrap();
    let (issuer, nonce) = (Issuer::Exact("https://id.example".to_owned()), Secret::new("n-0S6_WzA2Mj"));
    let keys = Keys { set: Some(&set), client_secret: None, algorithms: &[algorithm] };
    let expected = ExpectedIdToken {
        issuer: &issuer,
        client_id: "our-client",
        nonce: Some(&nonce),
        access_token: None,
        code: None,
        max_age: None,
        acr_values: &[],
        moment: Moment { now, skew: SKEW },
    };
    bencher.bench_local(|| verify_id_token(black_box(&token), &keys, &expected).unwrap());
}

#[divan::bench]
fn id_token_rs256(bencher: Bencher) {
    id_token(bencher, &rsa_pem(), Algorithm::Rs256);
}

#[divan::bench]
fn id_token_ps256(bencher: Bencher) {
    id_token(bencher, &rsa_pem(), Algorithm::Ps256);
}

#[divan::bench]
fn id_token_es256(bencher: Bencher) {
    let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap().to_pkcs8v1().unwrap();
    id_token(bencher, &pem(key.as_ref()), Algorithm::Es256);
}

#[divan::bench]
fn id_token_eddsa(bencher: Bencher) {
    let key = Ed25519KeyPair::generate().unwrap().to_pkcs8().unwrap();
    id_token(bencher, &pem(key.as_ref()), Algorithm::EdDsa);
}

/// What a login would pay if no key set were kept.
#[divan::bench]
fn read_a_key_set(bencher: Bencher) {
    let jwk = PrivateKey::parse(&rsa_pem()).unwrap().public_jwk(Some("k"));
    let jwks = format!(r#"{{"keys":[{jwk},{jwk},{jwk}]}}"#);
    bencher.bench_local(|| KeySet::parse(black_box(jwks.as_bytes())).unwrap());
}
