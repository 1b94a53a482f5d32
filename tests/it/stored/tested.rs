//! A draft that passed a test login goes live without more words; one that was changed since does not.

use std::sync::Arc;
use std::time::Duration;

use countersign::app;
use countersign::config::Environment;
use countersign::domain::actor::Actor;
use countersign::domain::tenant::Directory;
use countersign::egress::gate::Room;
use countersign::egress::guard::Guard;
use countersign::egress::provider::{ProviderClient, Timeouts};
use countersign::egress::webhook::WebhookClient;
use countersign::flow::settings::{Precondition, SettingsError};
use countersign::flow::{Broker, Outbound, Settings};
use countersign::keyring::KeyRing;
use countersign::store::Store;
use countersign::store::seal::SealKeys;
use countersign::store::sqlite::SqliteBackend;
use countersign::tenants::stored::StoredFormat;
use serde_json::{Map, Value, json};

use crate::harness::{Choices, Harness};

pub fn object(value: Value) -> Map<String, Value> {
    let Value::Object(members) = value else { panic!("no object: {value}") };
    members
}

/// The flows of a stopped broker, without HTTP in front.
pub async fn flows() -> (Harness, Arc<Broker>) {
    let mut broker = Harness::with(Choices::default()).await;
    broker.stop().await;
    let flows = flows_of(&broker);
    (broker, flows)
}

/// The store of a broker, opened once more; sealed with another key than its own where one is given.
pub fn store_of(broker: &Harness, other: Option<(&str, [u8; 32])>) -> Store {
    let ring = KeyRing::read(&broker.config.keys).unwrap();
    let own = ring.seal_keys().iter().map(|key| (key.id().to_owned(), *key.expose()));
    let (active, seals): (&str, Vec<_>) = match other {
        Some((id, key)) => (id, vec![(id.to_owned(), key)]),
        None => (ring.active_seal().id(), own.collect()),
    };
    let keys = SealKeys::new(active, seals, *ring.index_keys().expose_active()).unwrap();
    let backend = SqliteBackend::open(broker.folder().join("countersign.db"), broker.clock.clone()).unwrap();
    Store::new(Arc::new(backend), keys, broker.clock.clone())
}

/// The flows on the store of a broker, with nothing begun and nothing loaded.
pub fn flows_of(broker: &Harness) -> Arc<Broker> {
    let config = &broker.config;
    let environment: Environment = [("ACME_SECRET", "x")].into_iter().collect();
    let folder = app::read_tenants(config, &environment).unwrap().value;
    let guard = Guard::new(config.egress.ports.clone(), config.egress.allow.clone());
    let provider = ProviderClient::new(guard.clone(), Timeouts::default()).unwrap();
    let store = store_of(broker, None);
    let webhook = WebhookClient::new(guard).unwrap();
    let clients = Outbound::new(provider, webhook, &broker.clock, Room::default());
    let settings = Settings { https: false, login_deadline: Duration::from_secs(9) };
    let directory: Directory = folder.directory();
    let flows = Arc::new(Broker::new(store, clients, broker.clock.clone(), directory, settings));
    flows.use_format(Arc::new(StoredFormat::new(config, broker.clock.clone())));
    flows
}

fn draft(label: &str, secret: &str) -> Map<String, Value> {
    object(json!({"label": label, "clientId": "c", "clientSecret": secret,
        "authorizeUrl": "https://a.example/", "tokenUrl": "https://a.example/token"}))
}

#[tokio::test]
async fn only_the_very_draft_that_passed_a_test_goes_live_by_it() {
    let (_harness, broker) = flows().await;
    let (tenant, provider) = ("shop".parse().unwrap(), "acme".parse().unwrap());
    let author = Actor::System;
    let document = object(json!({"name": "Shop"}));
    broker.put_tenant(&tenant, &document, &Precondition::New, &author).await.unwrap();
    broker.put_draft(&tenant, &provider, &draft("one", "s1"), &Precondition::New, &author).await.unwrap();
    let trial = broker.trial(&tenant, &provider).await.unwrap();
    assert_eq!(trial.provider.label, "one");
    let publish = async |untested| {
        broker.publish_provider(&tenant, &provider, untested, &Precondition::Missing, &author).await
    };
    assert!(matches!(publish(false).await, Err(SettingsError::Conflict(_))));
    // Another secret is the same revision, and another draft.
    let first = trial.provider.revision.clone();
    broker.put_draft(&tenant, &provider, &draft("one", "s2"), &Precondition::Any, &author).await.unwrap();
    let mark = async |version| {
        broker.mark_tested(&tenant, &provider, (&first, version), "te_1", &author).await.unwrap()
    };
    assert!(!mark(trial.version).await, "the test was of a draft that is gone");
    let trial = broker.trial(&tenant, &provider).await.unwrap();
    assert_eq!(trial.provider.revision, first);
    assert!(mark(trial.version).await);
    let served = broker.directory().by_id(&tenant).unwrap().tenant.clone();
    let state = broker.provider_state(&served, &provider).await.unwrap().stored.unwrap();
    assert_eq!(state.draft.as_ref().unwrap().tested.as_ref().unwrap().test_id, "te_1");
    // The same settings once more are as tested as they were; without a word of the secret, they are the same.
    let mut same = draft("one", "");
    same.shift_remove("clientSecret");
    broker.put_draft(&tenant, &provider, &same, &Precondition::Any, &author).await.unwrap();
    publish(false).await.unwrap();
    let state = broker.provider_state(&served, &provider).await.unwrap().stored.unwrap();
    assert_eq!(state.live.unwrap().tested.unwrap().test_id, "te_1");
    // What is live can be tested, too; and a test of a revision that is nowhere any more marks nothing.
    assert!(mark(0).await);
    broker.put_draft(&tenant, &provider, &draft("two", "s2"), &Precondition::Any, &author).await.unwrap();
    assert!(matches!(publish(false).await, Err(SettingsError::Conflict(_))));
    publish(true).await.unwrap();
    assert!(!mark(trial.version).await);
    let served = broker.directory().by_id(&tenant).unwrap().tenant.clone();
    assert_eq!(served.providers[0].label, "two");
}
