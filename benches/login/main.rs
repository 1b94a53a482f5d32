//! Whole logins against the real program: `cargo bench --bench login [-- --logins 2000 --browsers 16]`.
//!
//! The broker runs as a process of its own on 127.0.0.1 with SQLite, as `countersign serve` does. A
//! bot makes a link, a browser opens it, presses *Continue*, comes back from a small provider in
//! this process and loads the result; the bot reads the link. Every login is a person of its own.

#![expect(clippy::unwrap_used, reason = "a bench may fail where it stands")]
#![expect(clippy::print_stdout, reason = "its figures are what it is for")]

mod broker;
mod provider;
mod walk;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use broker::Broker;
use countersign::clock::Clock;
use walk::{STEPS, Walk};

/// Logins before the count begins.
const WARM: u64 = 200;

struct Choice {
    logins: u64,
    browsers: u64,
}

impl Choice {
    /// Unknown words are skipped: cargo adds some of its own.
    fn read() -> Self {
        let words: Vec<String> = std::env::args().collect();
        let number = |name: &str, default| {
            let at = words.iter().position(|word| word == name);
            at.map_or(default, |at| words[at + 1].parse().expect("a number stands behind it"))
        };
        Self { logins: number("--logins", 2000).max(1), browsers: number("--browsers", 16).max(1) }
    }
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(run(Choice::read()));
}

async fn run(choice: Choice) {
    let clock = Clock::system();
    let provider = provider::start().await;
    let broker = Arc::new(Broker::start(&provider).await);
    drive(&broker, &clock, choice.browsers, WARM, "warm").await;
    let (cpu, began) = (broker.cpu(), clock.tick());
    let times = drive(&broker, &clock, choice.browsers, choice.logins, "run").await;
    let (cpu, took) = (broker.cpu() - cpu, began.elapsed());
    let logins = u32::try_from(choice.logins).unwrap_or(u32::MAX);
    println!("logins          {logins} by {} browsers, closed loop, every one finished", choice.browsers);
    println!("store           SQLite, WAL, fsync at `created` and `completed`, in {}", broker.folder());
    println!("logins/s        {:.0}", f64::from(logins) / took.as_secs_f64());
    println!(
        "CPU per login   {:.3} ms of the broker's process (user and system)",
        cpu * 1000.0 / f64::from(logins)
    );
    println!("step                    p50 ms    p99 ms");
    for (name, mut times) in STEPS.iter().zip(times) {
        times.sort_unstable();
        println!("{name:20} {:9.2} {:9.2}", at(&times, 50), at(&times, 99));
    }
}

/// Walks `logins` logins with so many browsers at once; answers the times of each step.
async fn drive(
    broker: &Arc<Broker>,
    clock: &Clock,
    browsers: u64,
    logins: u64,
    prefix: &'static str,
) -> Vec<Vec<Duration>> {
    let left = Arc::new(AtomicU64::new(logins));
    let tasks: Vec<_> = (0..browsers)
        .map(|_| {
            let (broker, clock, left) = (Arc::clone(broker), clock.clone(), Arc::clone(&left));
            tokio::spawn(async move {
                let mut walk = Walk::new(&broker, clock);
                while let Ok(number) =
                    left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1))
                {
                    walk.login(&format!("{prefix}-{number}")).await;
                }
                walk.times
            })
        })
        .collect();
    let mut all = vec![Vec::new(); STEPS.len()];
    for task in tasks {
        for (all, times) in all.iter_mut().zip(task.await.unwrap()) {
            all.extend(times);
        }
    }
    all
}

/// A percentile in milliseconds.
fn at(times: &[Duration], percent: usize) -> f64 {
    let place = (times.len() * percent / 100).min(times.len() - 1);
    times[place].as_secs_f64() * 1000.0
}
