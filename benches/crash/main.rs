//! Logins while processes are killed: `cargo bench --bench crash [-- --logins 10000 --kill broker]`.
//!
//! | word | values (default first) |
//! |---|---|
//! | `--store` | `sqlite`, `redis` (one node), `cluster` (three masters, a replica each) |
//! | `--kill` | `broker`, `redis` (killed and started again on its data), `master` (one, once, for good) |
//! | `--every` | seconds between two kills, by half more or less (3) |
//! | `--logins` `--browsers` `--brokers` | 10000, 16, 1 |
//! | `--disk-load` | files of 8 MiB that are written and synced all the time beside it: 0 |
//! | `--seed` | of the moments of the kills (1) |
//!
//! Every customer goes on until he is signed in; then everything that is stored is read through the
//! API and compared with what he saw and with what the provider did for him. It ends with 1 if anything that was acknowledged is gone.

#![expect(clippy::unwrap_used, reason = "a bench may fail where it stands")]
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::cast_precision_loss,
    reason = "its figures are what it is for"
)]

#[expect(dead_code, reason = "other runs use the rest")]
#[path = "../world/broker.rs"]
mod broker;
mod customer;
mod judge;
#[path = "../world/ledger.rs"]
mod ledger;
#[path = "../world/options.rs"]
mod options;
mod receiver;
#[expect(dead_code, reason = "other runs use the rest")]
#[path = "../world/redis.rs"]
mod redis;
mod strike;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use broker::Site;
use countersign::clock::Clock;
use customer::{Customer, Went};
use ledger::Ledger;
use options::{choice, number};
use receiver::Receiver;
use redis::Redis;
use strike::{Target, disk_load};

/// How long events may be under way after everything else is done.
const DELIVERED_WITHIN: Duration = Duration::from_mins(10);

fn main() -> ExitCode {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(run())
}

async fn run() -> ExitCode {
    let (logins, browsers): (u64, usize) = (number("--logins", 10_000), number("--browsers", 16));
    let seed: u64 = number("--seed", 1);
    let redis = Redis::start(choice("--store", &["sqlite", "redis", "cluster"]));
    let kill = choice("--kill", &["broker", "redis", "master"]);
    let (ledger, provider) = Ledger::start().await;
    let (receiver, hook) = Receiver::start().await;
    let webhook = format!(
        "[[webhook]]\nid = \"platform\"\nurl = \"http://{hook}/hook\"\nsecret = {{ env = \"BENCH_HOOK\" }}\nevents = [\"auth.*\", \"contact.*\"]\n"
    );
    let mut site = Site::new(&provider, &redis.url(), &webhook, &[hook]);
    let mut brokers = Vec::new();
    for _ in 0..number("--brokers", 1) {
        brokers.push(site.start().await);
    }
    let token = site.token(&brokers[0]).await;
    let origins: Vec<String> = brokers.iter().map(|broker| broker.origin.clone()).collect();

    let over = Arc::new(AtomicBool::new(false));
    let load = disk_load(site.folder(), number("--disk-load", 0), &over);
    let (clock, folder) = (Clock::system(), site.folder().display().to_string());
    let began = clock.tick();
    let target = Target { kill, every: number("--every", 3.0), seed };
    let strikes = tokio::spawn(strike::strike(target, site, brokers, redis, Arc::clone(&over)));
    let everybody = sign_in_all(&origins, &token, logins, browsers).await;
    let took = began.elapsed();
    over.store(true, Ordering::Relaxed);
    let (_site, brokers, redis, kills) = strikes.await.unwrap();
    for thread in load {
        thread.join().unwrap();
    }

    let mut reader = Customer::new(origins, token.clone(), 0);
    let verdict = judge::judge(&mut reader, &token, &everybody, &ledger).await;
    let (clock_began, all) = (clock.tick(), verdict.ids.len());
    while receiver.taken() < all && clock_began.elapsed() < DELIVERED_WITHIN {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let delivered = clock_began.elapsed().as_secs_f64();
    let (missing, late) = receiver.compare(&verdict.ids);
    let shown = everybody.iter().filter(|went| went.shown).count();
    let again: u64 = everybody.iter().map(|went| went.again).sum();
    let asked = ledger.sum();
    println!(
        "run                     seed {seed}, {kill} killed {kills} times in {:.0} s",
        took.as_secs_f64()
    );
    println!("store                   {}, in {folder}", redis.words());
    println!("brokers                 {}", brokers.len());
    println!(
        "logins                  {logins} by {browsers} browsers, {:.0}/s",
        logins as f64 / took.as_secs_f64()
    );
    println!(
        "provider's ledger       {} codes, {} exchanged, {} told who it is",
        asked.codes, asked.tokens, asked.whoami
    );
    println!("success page shown      {shown}");
    println!("had to press again      {again} times");
    println!("completed               {}", verdict.completed);
    println!("events                  {}", verdict.events);
    println!("lost after success      {}", verdict.lost);
    println!("half records            {}", verdict.half);
    println!("twice                   {}", verdict.twice);
    println!("duplicated event ids    {}", verdict.same_ids);
    println!("completed, none let in  {}", verdict.unfounded);
    println!("codes exchanged twice   {}", verdict.reused);
    println!("events not delivered    {missing}, all there {delivered:.0} s after the last login was read");
    println!("delivered out of order  {late} within their conversation");
    println!("delivered again         {} (at least once is what is promised)", receiver.again());
    let verdicts =
        [verdict.lost, verdict.half, verdict.twice, verdict.same_ids, verdict.unfounded, verdict.reused];
    let faults = verdicts.iter().sum::<u64>() + missing + late;
    if faults == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Signs everybody in, so many at once.
async fn sign_in_all(origins: &[String], token: &str, logins: u64, browsers: usize) -> Vec<Went> {
    let next = Arc::new(AtomicU64::new(0));
    let tasks: Vec<_> = (0..browsers)
        .map(|place| {
            let (next, mut customer) =
                (Arc::clone(&next), Customer::new(origins.to_vec(), token.to_owned(), place));
            tokio::spawn(async move {
                let mut went = Vec::new();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= logins {
                        return went;
                    }
                    went.push(customer.sign_in(number).await);
                }
            })
        })
        .collect();
    let mut everybody = Vec::new();
    for task in tasks {
        everybody.extend(task.await.unwrap());
    }
    everybody
}
