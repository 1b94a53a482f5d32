//! Whole logins against the real program: `cargo bench --bench login [-- --logins 2000 --browsers 16]`.
//! `--store` takes `sqlite`, `redis` or `cluster`, `--brokers` how many share it.
//!
//! The broker runs as a process of its own on 127.0.0.1, as `countersign serve` does. A
//! bot makes a link, a browser opens it, presses *Continue*, comes back from a small provider in
//! this process and loads the result; the bot reads the link. Every login is a person of its own.

#![expect(clippy::unwrap_used, reason = "a bench may fail where it stands")]
#![expect(clippy::print_stdout, reason = "its figures are what it is for")]

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

use broker::Site;
use countersign::clock::Clock;
use ledger::Ledger;
use options::{choice, number};
use redis::Redis;
use walk::{STEPS, drive, percentile};

/// Logins before the count begins.
const WARM: u64 = 200;

fn main() {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(run());
}

async fn run() {
    let (logins, browsers): (u32, u64) = (number("--logins", 2000).max(1), number("--browsers", 16).max(1));
    let redis = Redis::start(choice("--store", &["sqlite", "redis", "cluster"]));
    let clock = Clock::system();
    let (ledger, provider) = Ledger::start().await;
    let mut site = Site::new(&provider, &redis.url(), "", &[]);
    let mut brokers = Vec::new();
    for _ in 0..number("--brokers", 1) {
        brokers.push(site.start().await);
    }
    let token = site.token(&brokers[0]).await;
    let origins: Vec<String> = brokers.iter().map(|broker| broker.origin.clone()).collect();
    drive(&origins, &token, &clock, browsers, WARM, "warm").await;
    let cpu = || brokers.iter().map(broker::Broker::cpu).sum::<f64>();
    let (before, began, asked) = (cpu(), clock.tick(), ledger.sum());
    let times = drive(&origins, &token, &clock, browsers, logins.into(), "run").await;
    let (cpu, took) = (cpu() - before, began.elapsed());
    assert_eq!(ledger.sum().tokens - asked.tokens, u64::from(logins), "every login asked the provider once");
    println!("logins          {logins} by {browsers} browsers, closed loop, every one finished");
    println!("store           {}, in {}", redis.words(), site.folder().display());
    println!("brokers         {}", brokers.len());
    println!("logins/s        {:.0}", f64::from(logins) / took.as_secs_f64());
    println!("CPU per login   {:.3} ms of the brokers (user and system)", cpu * 1000.0 / f64::from(logins));
    println!("step                    p50 ms    p99 ms");
    for (name, times) in STEPS.iter().zip(times) {
        println!("{name:20} {:9.2} {:9.2}", percentile(&times, 50), percentile(&times, 99));
    }
}
