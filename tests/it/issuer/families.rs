//! Tokens of customers and the families that they belong to: minted, carried on, ended.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign::domain::client::Scopes;
use countersign::domain::contact::Contact;
use countersign::domain::family::TokenSource;
use countersign::domain::ids::{ClientId, ContactId};
use countersign::issuer::{CustomerError, CustomerGrant, CustomerTokens, RefreshError};
use countersign::secret::Secret;
use countersign::store::{Durability, Tx};
use serde_json::Value;

use super::world::World;

const MINUTE: Duration = Duration::from_mins(1);
const DAY: Duration = Duration::from_hours(24);

fn claims_of(token: &str) -> Value {
    let claims = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
}

fn client(id: &str) -> ClientId {
    id.parse().unwrap()
}

/// A contact of `acme` that is in the store.
async fn contact(world: &World, number: u64) -> Contact {
    let id = ContactId::from_uuid(uuid::Uuid::from_u128(u128::from(number)));
    let mut contact = Contact::new(id, number, world.clock.now());
    contact.email = Some(format!("customer{number}@example.com"));
    contact.touch(world.clock.now());
    let mut tx = Tx::new();
    tx.create_contact(&contact);
    world.store.at(&world.acme.id).commit(tx, Durability::Durable).await.unwrap();
    contact
}

async fn sign_in(world: &World, contact: &Contact) -> CustomerTokens {
    let grant = CustomerGrant {
        contact,
        client: client("app"),
        source: TokenSource::OAuth,
        scopes: Scopes::parse("openid read:profile").unwrap(),
        signed_in_at: world.clock.now(),
        authenticated_at: Some(world.clock.now()),
        renews: true,
        nonce: Some("n-0S6".to_owned()),
    };
    world.issuer.mint(&world.acme, &grant).await.unwrap()
}

async fn refresh(world: &World, token: &Secret) -> Result<CustomerTokens, RefreshError> {
    world.issuer.refresh(&world.acme, (TokenSource::OAuth, &client("app")), token, None).await
}

fn refresh_token(tokens: &CustomerTokens) -> &Secret {
    tokens.refresh_token.as_ref().unwrap()
}

#[tokio::test]
async fn a_customers_token_has_the_claims_of_both_seeds() {
    let world = World::start().await;
    let contact = contact(&world, 1).await;
    let tokens = sign_in(&world, &contact).await;
    let claims = claims_of(tokens.access_token.expose());
    let wanted = serde_json::json!({
        "iss": "https://acme.example.com", "sub": contact.id, "aud": "countersign-client-api",
        "client_id": "app", "scope": "openid read:profile", "tenant": "acme",
        "email": "customer1@example.com", "token_source": "oauth", "organization_id": "acme",
        "org_customer_id": contact.id, "customer_number": "CUST-000001",
    });
    for (name, value) in wanted.as_object().unwrap() {
        assert_eq!(&claims[name], value, "{name}");
    }
    let seconds = |name: &str| claims[name].as_i64().unwrap();
    assert_eq!(seconds("exp") - seconds("iat"), 3600);
    assert_eq!((tokens.expires_in, tokens.created_at), (3600, seconds("iat")));
    assert!(refresh_token(&tokens).expose().starts_with("rt_"));
    let id = claims_of(tokens.id_token.as_ref().unwrap().expose());
    assert_eq!((&id["aud"], &id["nonce"]), (&Value::from("app"), &Value::from("n-0S6")));
    assert!(id["at_hash"].as_str().is_some_and(|hash| hash.len() == 22) && id["auth_time"].is_i64());
    let shown = world.issuer.verify_customer(&world.acme, tokens.access_token.expose()).await.unwrap();
    assert_eq!((shown.contact.id, shown.client_id.as_str()), (contact.id, "app"));
}

#[tokio::test]
async fn a_refresh_token_is_replaced_and_the_old_one_leads_to_the_same_for_a_moment() {
    let world = World::start().await;
    let contact = contact(&world, 1).await;
    let first = sign_in(&world, &contact).await;
    let second = refresh(&world, refresh_token(&first)).await.unwrap();
    assert_ne!(refresh_token(&first).expose(), refresh_token(&second).expose());
    world.clock.advance(Duration::from_secs(9));
    let joined = refresh(&world, refresh_token(&first)).await.unwrap();
    assert_eq!(refresh_token(&joined).expose(), refresh_token(&second).expose(), "nobody is left behind");
    assert_ne!(joined.access_token.expose(), second.access_token.expose());
    let third = refresh(&world, refresh_token(&second)).await.unwrap();
    assert!(refresh(&world, refresh_token(&third)).await.is_ok());
}

#[tokio::test]
async fn a_refresh_token_that_comes_back_late_ends_everything_of_its_sign_in() {
    let world = World::start().await;
    let contact = contact(&world, 1).await;
    let (first, other) = (sign_in(&world, &contact).await, sign_in(&world, &contact).await);
    let second = refresh(&world, refresh_token(&first)).await.unwrap();
    world.clock.advance(Duration::from_secs(11));
    assert!(matches!(refresh(&world, refresh_token(&first)).await, Err(RefreshError::Reused)));
    assert!(matches!(refresh(&world, refresh_token(&second)).await, Err(RefreshError::Refused)));
    for ended in [&first, &second] {
        let shown = world.issuer.verify_customer(&world.acme, ended.access_token.expose()).await;
        assert!(matches!(shown, Err(CustomerError::Access(why)) if why.as_str() == "token_ended"));
    }
    assert!(refresh(&world, refresh_token(&other)).await.is_ok(), "the other sign-in goes on");
}

#[tokio::test]
async fn of_many_refreshes_at_once_all_get_the_same_next_token() {
    let world = std::sync::Arc::new(World::start().await);
    let contact = contact(&world, 1).await;
    let first = sign_in(&world, &contact).await;
    let shown = refresh_token(&first).clone();
    let calls = (0..12).map(|_| {
        let (world, shown) = (std::sync::Arc::clone(&world), shown.clone());
        tokio::spawn(async move { refresh(&world, &shown).await.unwrap() })
    });
    let mut next = std::collections::BTreeSet::new();
    for call in calls.collect::<Vec<_>>() {
        next.insert(refresh_token(&call.await.unwrap()).expose().to_owned());
    }
    assert_eq!(next.len(), 1);
}

#[tokio::test]
async fn a_refresh_token_is_good_for_its_client_its_tenant_and_thirty_days() {
    let world = World::start().await;
    let contact = contact(&world, 1).await;
    let tokens = sign_in(&world, &contact).await;
    let shown = refresh_token(&tokens);
    let ask = |source, id: &'static str| {
        let world = &world;
        async move { world.issuer.refresh(&world.acme, (source, &client(id)), shown, None).await }
    };
    assert!(matches!(ask(TokenSource::OAuth, "public").await, Err(RefreshError::Refused)));
    assert!(matches!(ask(TokenSource::Dom, "app").await, Err(RefreshError::Refused)));
    let app = (TokenSource::OAuth, &client("app"));
    let elsewhere = world.issuer.refresh(&world.globex, app, shown, None).await;
    assert!(matches!(elsewhere, Err(RefreshError::Refused)));
    for bad in ["", "rt_", "rt_0", &format!("{}x", shown.expose()), &shown.expose()[1..]] {
        assert!(matches!(refresh(&world, &Secret::new(bad)).await, Err(RefreshError::Refused)), "{bad}");
    }
    world.clock.advance((DAY * 30).saturating_sub(MINUTE));
    let later = refresh(&world, shown).await.unwrap();
    world.clock.advance(DAY * 30);
    assert!(matches!(refresh(&world, refresh_token(&later)).await, Err(RefreshError::Refused)));
}

#[tokio::test]
async fn a_refresh_gives_no_more_than_the_customer_agreed_to() {
    let world = World::start().await;
    let contact = contact(&world, 1).await;
    let tokens = sign_in(&world, &contact).await;
    let ask = |scope: &'static str| {
        let (world, shown) = (&world, refresh_token(&tokens));
        let asked = Some(Scopes::parse(scope).unwrap());
        async move { world.issuer.refresh(&world.acme, (TokenSource::OAuth, &client("app")), shown, asked).await }
    };
    assert!(matches!(ask("read:profile write:all").await, Err(RefreshError::Scope)));
    let less = ask("read:profile").await.unwrap();
    assert_eq!((less.scope.to_string().as_str(), less.id_token.is_none()), ("read:profile", true));
    let again = refresh(&world, refresh_token(&less)).await.unwrap();
    assert_eq!(again.scope.to_string(), "openid read:profile", "a narrow token does not narrow the sign-in");
}

#[tokio::test]
async fn a_customer_signs_out_here_or_everywhere() {
    let world = World::start().await;
    let contact = contact(&world, 1).await;
    let mut all = Vec::new();
    for _ in 0..3 {
        all.push(sign_in(&world, &contact).await);
    }
    let foreign = world.issuer.revoke_family(&world.acme, &client("public"), refresh_token(&all[0])).await;
    assert!(!foreign.unwrap() && refresh(&world, refresh_token(&all[0])).await.is_ok());
    let own = world.issuer.revoke_family(&world.acme, &client("app"), refresh_token(&all[1])).await;
    assert!(own.unwrap() && refresh(&world, refresh_token(&all[1])).await.is_err());
    world.issuer.revoke_all_of_contact(&world.acme, &contact).await.unwrap();
    for ended in &all {
        assert!(refresh(&world, refresh_token(ended)).await.is_err());
        assert!(world.issuer.verify_customer(&world.acme, ended.access_token.expose()).await.is_err());
    }
}

#[tokio::test]
async fn of_very_many_sign_ins_of_one_customer_the_oldest_end() {
    let world = World::start().await;
    let contact = contact(&world, 1).await;
    let first = sign_in(&world, &contact).await;
    for _ in 0..50 {
        world.clock.advance(Duration::from_millis(5));
        sign_in(&world, &contact).await;
    }
    assert!(matches!(refresh(&world, refresh_token(&first)).await, Err(RefreshError::Refused)));
    let (there, gone) = world.store.at(&world.acme.id).families_of(&contact.id).await.unwrap();
    assert_eq!((there.len(), gone.len()), (50, 0));
}

#[tokio::test]
async fn a_token_for_customers_is_none_of_our_api_and_the_other_way_round() {
    let world = World::start().await;
    let contact = contact(&world, 1).await;
    let tokens = sign_in(&world, &contact).await;
    let (access, id) = (tokens.access_token.expose(), tokens.id_token.as_ref().unwrap().expose());
    for token in [access, id] {
        assert_eq!(world.call(&format!("Bearer {token}")).await.status, 401);
    }
    let machine = world.token_of("operator").await;
    for token in [machine.as_str(), id, refresh_token(&tokens).expose(), ""] {
        let shown = world.issuer.verify_customer(&world.acme, token).await;
        assert!(matches!(shown, Err(CustomerError::Access(_))), "{token}");
    }
    assert!(world.issuer.verify_customer(&world.globex, access).await.is_err());
    world.clock.advance(Duration::from_hours(1));
    assert!(world.issuer.verify_customer(&world.acme, access).await.is_err());
}
