//! Metadata and keys: fetched once, kept, refetched, and believed for a while when the provider fails.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rstest::rstest;
use tokio::io::AsyncWriteExt as _;

use countersign::clock::Clock;
use countersign::domain::ids::TenantId;
use countersign::egress::cache::Documents;
use countersign::egress::cache::fault::{KeysFault, MetadataFault};
use countersign::egress::error::EgressError;
use countersign::oauth::jwk::{KeySet, NoKeySet};
use countersign::oauth::metadata::NoMetadata;
use url::Url;

use super::server::{Server, ok, read_request};
use super::{LONG, SHORT, client_for, tenant, within};

/// The public key of RFC 8037, A.2, under this name.
fn key_set(kid: &str) -> String {
    format!(
        r#"{{"keys":[{{"kty":"OKP","crv":"Ed25519","kid":"{kid}","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}}]}}"#
    )
}

/// A server with one answer for everything, which the test may change; none hangs.
struct Provider {
    server: Server,
    answer: Arc<Mutex<Option<Vec<u8>>>>,
    clock: Clock,
    documents: Documents,
}

impl Provider {
    async fn start(answer: Vec<u8>) -> Self {
        let answer = Arc::new(Mutex::new(Some(answer)));
        let shared = Arc::clone(&answer);
        let server = Server::start(move |mut stream, requests| {
            let shared = Arc::clone(&shared);
            async move {
                read_request(&mut stream, &requests).await;
                let Some(bytes) = shared.lock().unwrap().clone() else {
                    return std::future::pending().await;
                };
                let _ = stream.write_all(&bytes).await;
                let _ = stream.shutdown().await;
            }
        })
        .await;
        let clock = Clock::system();
        let documents = Documents::new(client_for(&server.listed()), clock.clone());
        Self { server, answer, clock, documents }
    }

    fn now_answers(&self, answer: impl Into<Option<Vec<u8>>>) {
        *self.answer.lock().unwrap() = answer.into();
    }

    fn url(&self) -> Url {
        format!("{}jwks", self.server.url()).parse().unwrap()
    }

    async fn keys(&self) -> Result<Arc<KeySet>, KeysFault> {
        self.documents.keys(&tenant(), &self.url(), within(LONG)).await
    }

    async fn keys_of(&self, tenant: &str) -> Result<Arc<KeySet>, KeysFault> {
        let tenant: TenantId = tenant.parse().unwrap();
        self.documents.keys(&tenant, &self.url(), within(LONG)).await
    }

    async fn fresh_keys(&self, known: &Arc<KeySet>) -> Option<Arc<KeySet>> {
        self.documents.fresh_keys(&tenant(), &self.url(), known, within(LONG)).await
    }

    fn fetches(&self) -> usize {
        self.server.requests().len()
    }
}

#[tokio::test]
async fn fifty_logins_at_once_cost_one_fetch() {
    let provider = Provider::start(ok("", key_set("a").as_bytes())).await;
    let all = futures_util::future::join_all((0..50).map(|_| provider.keys())).await;
    let first = all[0].as_ref().unwrap();
    assert!(all.iter().all(|keys| Arc::ptr_eq(keys.as_ref().unwrap(), first)));
    assert_eq!((first.len(), provider.fetches()), (1, 1));
    let request = &provider.server.requests()[0];
    assert!(request.starts_with("GET /jwks HTTP/1.1\r\n") && !request.contains("authorization"), "{request}");
}

#[rstest]
#[case::silent("", 3600)]
#[case::says("cache-control: public, max-age=7200\r\n", 7200)]
#[case::too_short("cache-control: max-age=1\r\n", 300)]
#[case::not_at_all("cache-control: no-store\r\n", 300)]
#[case::too_long("cache-control: max-age=31536000\r\n", 86400)]
#[tokio::test]
async fn keys_are_kept_as_long_as_they_say_within_bounds(#[case] header: &str, #[case] seconds: u64) {
    let provider = Provider::start(ok(header, key_set("a").as_bytes())).await;
    provider.keys().await.unwrap();
    provider.clock.advance(Duration::from_secs(seconds - 10));
    provider.keys().await.unwrap();
    assert_eq!(provider.fetches(), 1);
    provider.clock.advance(Duration::from_secs(11));
    provider.keys().await.unwrap();
    assert_eq!(provider.fetches(), 2);
}

#[tokio::test]
async fn a_key_that_was_rotated_in_costs_exactly_one_more_fetch() {
    let provider = Provider::start(ok("", key_set("old").as_bytes())).await;
    let old = provider.keys().await.unwrap();
    provider.now_answers(ok("", key_set("new").as_bytes()));
    let all = futures_util::future::join_all((0..50).map(|_| provider.fresh_keys(&old))).await;
    assert!(all.iter().all(Option::is_some));
    assert_eq!(provider.fetches(), 2);
    let new = provider.keys().await.unwrap();
    assert!(!Arc::ptr_eq(&old, &new));
}

#[tokio::test]
async fn a_flood_of_unknown_keys_costs_a_fetch_every_thirty_seconds_and_others_nothing() {
    let provider = Provider::start(ok("", key_set("a").as_bytes())).await;
    provider.keys_of("other").await.unwrap();
    for minute in 0..2 {
        for _ in 0..100 {
            let known = provider.keys().await.unwrap();
            provider.fresh_keys(&known).await;
        }
        // The two of the start, and one forced fetch per half minute.
        assert_eq!(provider.fetches(), 3 + minute);
        provider.clock.advance(Duration::from_secs(30));
    }
    let other = provider.keys_of("other").await.unwrap();
    assert_eq!(other.len(), 1);
    assert_eq!(provider.fetches(), 4, "the other tenant's keys are its own, and still fresh");
}

#[tokio::test]
async fn keys_go_on_to_count_for_a_day_while_the_provider_fails() {
    let provider = Provider::start(ok("", key_set("a").as_bytes())).await;
    let first = provider.keys().await.unwrap();
    provider.now_answers(b"HTTP/1.1 500 Broken\r\ncontent-length: 0\r\n\r\n".to_vec());
    provider.clock.advance(Duration::from_hours(2));
    assert!(Arc::ptr_eq(&first, &provider.keys().await.unwrap()));
    provider.clock.advance(Duration::from_hours(23));
    assert_eq!(provider.keys().await.unwrap_err(), KeysFault::Status(500));
    provider.now_answers(ok("", key_set("b").as_bytes()));
    provider.clock.advance(Duration::from_secs(5));
    assert!(!Arc::ptr_eq(&first, &provider.keys().await.unwrap()));
}

#[tokio::test]
async fn a_login_waits_for_keys_until_its_deadline_and_no_longer() {
    let provider = Provider::start(Vec::new()).await;
    provider.now_answers(None);
    let fault = provider.documents.keys(&tenant(), &provider.url(), within(SHORT)).await.unwrap_err();
    assert_eq!(fault, KeysFault::Egress(EgressError::Timeout));
}

#[rstest]
#[case::redirect(b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n".to_vec(), KeysFault::Status(302))]
#[case::missing(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_vec(), KeysFault::Status(404))]
#[case::page(ok("content-type: text/html\r\n", b"{\"keys\":[]}"), KeysFault::Page)]
#[case::no_json(ok("", b"keys"), KeysFault::Answer(NoKeySet::Json))]
#[case::no_keys(ok("content-type: application/json\r\n", b"{}"), KeysFault::Answer(NoKeySet::Keys))]
#[case::broken(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{}".to_vec(), KeysFault::Egress(EgressError::Broken))]
#[case::too_large(ok("", &vec![b' '; 1024 * 1024 + 1]), KeysFault::Egress(EgressError::TooLarge))]
#[tokio::test]
async fn what_is_no_key_set_is_refused(#[case] answer: Vec<u8>, #[case] wanted: KeysFault) {
    let provider = Provider::start(answer).await;
    assert_eq!(provider.keys().await.unwrap_err(), wanted);
    assert_eq!(provider.keys().await.unwrap_err(), wanted, "again, without another call");
    assert_eq!(provider.fetches(), 1);
}

#[tokio::test]
async fn keys_under_the_names_of_file_servers_are_keys() {
    for name in ["binary/octet-stream", "application/jwk-set+json", "text/plain", "application/x-what"] {
        let head = format!("content-type: {name}\r\n");
        let provider = Provider::start(ok(&head, key_set("a").as_bytes())).await;
        assert_eq!(provider.keys().await.unwrap().len(), 1, "{name}");
    }
}

#[tokio::test]
async fn an_address_that_the_guard_refuses_is_not_called() {
    let provider = Provider::start(ok("", key_set("a").as_bytes())).await;
    let documents = Documents::new(client_for(&[]), provider.clock.clone());
    let fault = documents.keys(&tenant(), &provider.url(), within(LONG)).await.unwrap_err();
    assert!(matches!(fault, KeysFault::Egress(EgressError::Refused(_))), "{fault}");
    let issuer = provider.server.url();
    let fault = documents.metadata(&tenant(), &issuer, within(LONG)).await.unwrap_err();
    assert!(matches!(fault, MetadataFault::Egress(EgressError::Refused(_))), "{fault}");
    assert_eq!(provider.server.connections(), 0);
}

/// A server that has metadata at one path, with this issuer if it is to lie.
async fn issuer_at(
    path: &'static str,
    lie: Option<&'static str>,
    requested: &str,
) -> (Server, Documents, String) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let issuer = format!("http://{}{requested}", listener.local_addr().unwrap());
    let body = format!(r#"{{"issuer":"{}","token_endpoint":"{issuer}/token"}}"#, lie.unwrap_or(&issuer));
    let server = Server::on(listener, move |mut stream, requests| {
        let body = body.clone();
        async move {
            read_request(&mut stream, &requests).await;
            let asked = requests.lock().unwrap().last().unwrap().clone();
            let answer = if asked.starts_with(&format!("GET {path} ")) {
                ok("content-type: application/json\r\n", body.as_bytes())
            } else {
                b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_vec()
            };
            let _ = stream.write_all(&answer).await;
            let _ = stream.shutdown().await;
        }
    });
    let documents = Documents::new(client_for(&server.listed()), Clock::system());
    (server, documents, issuer)
}

#[rstest]
#[case("/.well-known/openid-configuration", "", 1)]
#[case("/.well-known/oauth-authorization-server", "", 2)]
#[case("/realms/x/.well-known/openid-configuration", "/realms/x", 1)]
#[case("/.well-known/oauth-authorization-server/realms/x", "/realms/x", 2)]
#[case("/.well-known/openid-configuration/realms/x", "/realms/x", 3)]
#[tokio::test]
async fn metadata_is_found_at_each_of_its_places_and_kept(
    #[case] place: &'static str,
    #[case] path: &str,
    #[case] calls: usize,
) {
    let (server, documents, issuer) = issuer_at(place, None, path).await;
    for _ in 0..2 {
        let metadata = documents.metadata(&tenant(), &issuer, within(LONG)).await.unwrap();
        assert_eq!(metadata.token_endpoint.as_ref().unwrap().as_str(), format!("{issuer}/token"));
    }
    assert_eq!(server.requests().len(), calls);
}

#[tokio::test]
async fn metadata_of_another_issuer_is_told_before_what_is_missing() {
    let place = "/.well-known/openid-configuration";
    let (_server, documents, issuer) = issuer_at(place, Some("https://evil.example"), "").await;
    let fault = documents.metadata(&tenant(), &issuer, within(LONG)).await.unwrap_err();
    let announced = "https://evil.example".to_owned();
    assert_eq!(fault, MetadataFault::Answer(NoMetadata::OtherIssuer { announced }));
}

#[tokio::test]
async fn an_issuer_without_metadata_says_so() {
    let (server, documents, issuer) = issuer_at("/nowhere", None, "/a").await;
    let fault = documents.metadata(&tenant(), &issuer, within(LONG)).await.unwrap_err();
    assert_eq!(fault, MetadataFault::Answer(NoMetadata::Status(404)));
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn what_is_asked_for_settings_is_not_kept() {
    let (server, documents, issuer) = issuer_at("/.well-known/openid-configuration", None, "").await;
    for calls in 1..3 {
        documents.fetch_metadata(&tenant(), &issuer, within(LONG)).await.unwrap();
        assert_eq!(server.requests().len(), calls);
    }
}
