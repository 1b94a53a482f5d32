//! How it grows: `cargo bench --bench scale -- --part pending` (or `tenants`, `start`,
//! `delivery`).
//!
//! | part | what it does |
//! |---|---|
//! | `pending` | logins beside `--few` (1000) and beside `--many` (100000) pending links: times of the callback, bytes per pending link |
//! | `tenants` | starts with `--tenants` (10000) files: time until ready, memory |
//! | `delivery` | starts with `--events` (20000) events in the store: how fast a webhook on this machine gets them |
//! | `start` | a cold start on an empty store, and until the first login after it |
//!
//! `--store` takes `sqlite`, `redis` or `cluster`. How many brokers share a Redis is a matter of the
//! `login` run (`--brokers`).

#![expect(clippy::unwrap_used, reason = "a bench may fail where it stands")]
#![expect(clippy::print_stdout, clippy::cast_precision_loss, reason = "its figures are what it is for")]

#[expect(dead_code, reason = "other runs use the rest")]
#[path = "../world/broker.rs"]
mod broker;
#[expect(dead_code, reason = "other runs use the rest")]
#[path = "../world/ledger.rs"]
mod ledger;
#[path = "../world/options.rs"]
mod options;
#[expect(dead_code, reason = "other runs use the rest")]
#[path = "../world/redis.rs"]
mod redis;
#[path = "../world/walk.rs"]
mod walk;

mod delivery;

use std::path::Path;
use std::time::Duration;

use broker::{Broker, Site};
use countersign::clock::Clock;
use ledger::Ledger;
use options::{choice, number};
use redis::Redis;
use walk::{STEPS, Walk, drive, percentile};

/// Logins whose times are taken beside the pending links, by so many browsers.
const LOGINS: u64 = 2000;
const BROWSERS: u64 = 4;
/// Links are made by so many bots at once.
const BOTS: u64 = 32;
/// Where the callback stands among the steps.
const CALLBACK: usize = 3;

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    match choice("--part", &["pending", "tenants", "start", "delivery"]) {
        "pending" => runtime.block_on(pending()),
        "tenants" => runtime.block_on(tenants()),
        "delivery" => runtime.block_on(delivery::run()),
        _ => runtime.block_on(start()),
    }
}

async fn pending() {
    let redis = Redis::start(choice("--store", &["sqlite", "redis", "cluster"]));
    let clock = Clock::system();
    let (_ledger, provider) = Ledger::start().await;
    let mut site = Site::new(&provider, &redis.url(), "", &[]);
    let broker = site.start().await;
    let token = site.token(&broker).await;
    let origins = [broker.origin.clone()];
    println!("store           {}, in {}", redis.words(), site.folder().display());
    drive(&origins, &token, &clock, BROWSERS, LOGINS / 4, "warm").await;
    let mut made = 0;
    for wanted in [number("--few", 1000), number("--many", 100_000)] {
        let before = redis.bytes().unwrap_or_else(|| folder_bytes(site.folder()));
        let began = clock.tick();
        make_links(&origins[0], &token, &clock, made..wanted).await;
        let took = began.elapsed().as_secs_f64();
        let bytes = redis.bytes().unwrap_or_else(|| folder_bytes(site.folder())) - before;
        println!("pending links   {wanted}, made at {:.0}/s", (wanted - made) as f64 / took);
        println!("bytes per link  {:.0}", bytes as f64 / (wanted - made) as f64);
        made = wanted;
        let times = drive(&origins, &token, &clock, BROWSERS, LOGINS, "run").await;
        println!(
            "{:15} p50 {:.2} ms, p99 {:.2} ms, of {LOGINS} logins by {BROWSERS} browsers",
            STEPS[CALLBACK],
            percentile(&times[CALLBACK], 50),
            percentile(&times[CALLBACK], 99)
        );
    }
    println!("memory          {} MiB resident", broker.resident() >> 20);
}

async fn tenants() {
    let tenants: u64 = number("--tenants", 10_000);
    let clock = Clock::system();
    let redis = Redis::start(choice("--store", &["sqlite", "redis", "cluster"]));
    let (_ledger, provider) = Ledger::start().await;
    let mut site = Site::new(&provider, &redis.url(), "", &[]);
    for number in 0..tenants {
        let name = format!("tenant-{number}");
        site.add_tenant(&name, &format!("{name}.example.com"), &provider);
    }
    let began = clock.tick();
    let broker = site.start().await;
    println!("store           {}, in {}", redis.words(), site.folder().display());
    println!("tenants         {tenants}");
    println!("ready after     {:.2} s", began.elapsed().as_secs_f64());
    println!("memory          {} MiB resident", broker.resident() >> 20);
    tokio::time::sleep(Duration::from_secs(5)).await;
    println!(
        "after 5 s       {} MiB resident, {:.2} s of processor time",
        broker.resident() >> 20,
        broker.cpu()
    );
}

async fn start() {
    let clock = Clock::system();
    let redis = Redis::start(choice("--store", &["sqlite", "redis", "cluster"]));
    let (_ledger, provider) = Ledger::start().await;
    let mut site = Site::new(&provider, &redis.url(), "", &[]);
    let began = clock.tick();
    let broker: Broker = site.start().await;
    println!("store           {}, in {}", redis.words(), site.folder().display());
    println!("ready after     {:.3} s", began.elapsed().as_secs_f64());
    let token = site.token(&broker).await;
    Walk::new(&broker.origin, &token, clock.clone()).login("first").await;
    println!("first login     {:.3} s after the start", began.elapsed().as_secs_f64());
    println!("memory          {} MiB resident", broker.resident() >> 20);
}

/// Makes links that nobody opens, each in a conversation of its own.
async fn make_links(origin: &str, token: &str, clock: &Clock, numbers: std::ops::Range<u64>) {
    let bots = (0..BOTS).map(|bot| {
        let mut walk = Walk::new(origin, token, clock.clone());
        let numbers =
            numbers.clone().skip(usize::try_from(bot).unwrap()).step_by(usize::try_from(BOTS).unwrap());
        tokio::spawn(async move {
            for number in numbers {
                walk.link(&format!("pending-{number}")).await;
            }
        })
    });
    for bot in bots.collect::<Vec<_>>() {
        bot.await.unwrap();
    }
}

/// Of the store's files.
fn folder_bytes(folder: &Path) -> u64 {
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap());
    let ours = files.filter(|file| file.file_name().to_string_lossy().starts_with("bench.db"));
    ours.map(|file| file.metadata().unwrap().len()).sum()
}
