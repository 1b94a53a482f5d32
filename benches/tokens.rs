//! How much of a core goes into anything but the signature: tokens of `client_credentials` per second of a core, from the
//! bytes of the request to those of the answer, against signatures of raw RSA-2048 alone in the same run.
//! `cargo bench --bench tokens`. The figures to keep stand in `docs/performance.md`.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench tells, and may fail where it stands")]

use std::time::Duration;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign::clock::Clock;
use countersign::domain::client::{Client, Scopes};
use countersign::domain::tenant::Tenant;
use countersign::issuer::keys::{KeyState, SigningKey, SigningKeys};
use countersign::issuer::{Issuer, secret_hash};
use countersign::secret::Secret;
use countersign::store::Store;
use countersign::store::seal::SealKeys;
use countersign::store::sqlite::SqliteBackend;
use countersign::web::limit::work::Work;
use countersign::web::limit::{Limits, Rates};
use countersign::web::oauth;
use countersign::web::oauth::token::Counted;

/// How often both are measured, one after the other.
const ROUNDS: usize = 7;
/// What is done at once between two looks at the clock.
const BATCH: u32 = 200;
/// How long each of them takes in a round, of a core.
const ROUND: Duration = Duration::from_secs(2);
const SECRET: &str = "secret_def456uvw012";
const BODY: &str =
    "grant_type=client_credentials&client_id=oauth_client_abc123xyz789&client_secret=secret_def456uvw012";

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let clock = Clock::system();
    let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let issuer = runtime.block_on(async { issuer(&pair, folder.path(), &clock) });
    let (tenant, limits) = (tenant(&clock), Limits::new(Rates::default(), Work::default()));
    let ask = || async {
        let request = Request::post("/v1/oauth/token")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from(BODY))
            .unwrap();
        let counted = Counted { limits: &limits, address: None, ip: None, now: clock.now() };
        let answer = oauth::token(&issuer, &tenant, counted, request).await;
        assert_eq!(answer.status(), 200);
        to_bytes(answer.into_body(), 64 * 1024).await.unwrap()
    };
    // The secret is checked once, and then remembered for five minutes, as in a bot's day.
    runtime.block_on(ask());
    let (rng, mut signature) = (SystemRandom::new(), vec![0; pair.public_modulus_len()]);
    let message = [7_u8; 400];
    let mut shares = Vec::new();
    for round in 1..=ROUNDS {
        let raw = per_cpu_second(|| pair.sign(&RSA_PKCS1_SHA256, &rng, &message, &mut signature).unwrap());
        let tokens = per_cpu_second(|| drop(runtime.block_on(ask())));
        let share = tokens / raw * 100.0;
        println!("round {round}: {raw:.0} signatures, {tokens:.0} tokens per second of a core: {share:.1} %");
        shares.push(share);
    }
    shares.sort_by(f64::total_cmp);
    println!("tokens per signature, median of {ROUNDS} rounds: {:.1} % (to keep: 80 %)", shares[ROUNDS / 2]);
}

/// How often something is done in a second of a core, whatever else the machine does meanwhile.
fn per_cpu_second(mut work: impl FnMut()) -> f64 {
    let (began, mut done) = (cpu_time(), 0_u32);
    loop {
        (0..BATCH).for_each(|_| work());
        done += BATCH;
        let spent = cpu_time().saturating_sub(began);
        if spent >= ROUND {
            return f64::from(done) / spent.as_secs_f64();
        }
    }
}

/// What all threads of this process together have used, user and system, in ticks of 10 ms (proc(5)).
fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let rest = stat.rsplit(')').next().unwrap();
    let ticks: u64 =
        rest.split_whitespace().skip(11).take(2).map(|field| field.parse::<u64>().unwrap()).sum();
    Duration::from_millis(ticks * 10)
}

fn issuer(pair: &KeyPair, folder: &std::path::Path, clock: &Clock) -> Issuer {
    let backend = SqliteBackend::open(folder.join("a.db"), clock.clone()).unwrap();
    let keys = SealKeys::new("k", [("k".to_owned(), [1; 32])], [2; 32]).unwrap();
    let store = Store::new(std::sync::Arc::new(backend), keys, clock.clone());
    let der = STANDARD.encode(pair.as_der().unwrap().as_ref());
    let private = Secret::new(format!("-----BEGIN PRIVATE KEY-----\n{der}\n-----END PRIVATE KEY-----\n"));
    let key = SigningKey { kid: "bench".to_owned(), private, state: KeyState::Active };
    Issuer::new(SigningKeys::new([key]).unwrap(), store, clock.clone())
}

fn tenant(clock: &Clock) -> Tenant {
    let client = Client {
        secret_hash: Some(secret_hash::build(&Secret::new(SECRET), clock).unwrap()),
        scopes: Scopes::parse("read:principals write:policies").unwrap(),
        ..Client::named("oauth_client_abc123xyz789".parse().unwrap())
    };
    Tenant {
        name: "Acme".to_owned(),
        origin: "https://acme.example.com".to_owned(),
        hosts: vec!["acme.example.com".to_owned()],
        clients: vec![client],
        ..Tenant::named("acme".parse().unwrap())
    }
}
