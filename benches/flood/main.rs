//! What floods and a dead provider cost the others, against the real program:
//! `cargo bench --bench flood [-- --seconds 10 --logins 40 --dead 200 --garbage 5000 --seed 1]`.
//!
//! Every second so many logins begin, whether the ones before have ended or not. First they run alone;
//! then beside a tenant whose provider takes connections and never answers, at so many callbacks a
//! second; then garbage states come alone, to see whether they write; then beside the logins. All states
//! and times come from the seed and the counts, nothing is drawn.

#![expect(clippy::unwrap_used, reason = "a bench may fail where it stands")]
#![expect(clippy::print_stdout, reason = "its figures are what it is for")]

#[expect(dead_code, reason = "other runs use the rest")]
#[path = "../world/broker.rs"]
mod broker;
mod dead;
mod garbage;
#[expect(dead_code, reason = "other runs use the rest")]
#[path = "../world/ledger.rs"]
mod ledger;
mod logins;
mod measure;
#[expect(dead_code, reason = "other runs use the rest")]
#[path = "../world/options.rs"]
mod options;
#[expect(dead_code, reason = "other runs use the rest")]
#[path = "../world/walk.rs"]
mod walk;

use std::time::Duration;

use broker::Site;
use countersign::clock::Clock;
use ledger::Ledger;
use logins::Figures;
use options::number;

/// What is asked for.
#[derive(Debug, Clone, Copy)]
struct Choice {
    seconds: u64,
    logins: u64,
    dead: u64,
    garbage: u64,
    seed: u64,
}

impl Choice {
    fn read() -> Self {
        Self {
            seconds: number("--seconds", 10).max(1),
            logins: number("--logins", 40).max(1),
            dead: number("--dead", 200).max(1),
            garbage: number("--garbage", 5000).max(1),
            seed: number("--seed", 1),
        }
    }
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(run(Choice::read()));
}

async fn run(choice: Choice) {
    let clock = Clock::system();
    let ((_, provider), dead) = (Ledger::start().await, dead::start().await);
    let mut site = Site::new(&provider, "", "", &[dead.trim_start_matches("http://").to_owned()]);
    site.add_tenant("dead", dead::AT, &dead);
    let broker = site.start().await;
    let token = site.token(&broker).await;
    println!("{choice:?}");
    println!(
        "store            SQLite, WAL, fsync at `created` and `completed`, in {}",
        site.folder().display()
    );
    let some = choice.logins * choice.seconds;
    let begin =
        logins::Begin { origin: &broker.origin, token: &token, clock: &clock, a_second: choice.logins };
    let logins = async |name: &'static str| logins::run(begin, name, some).await;
    logins("warm").await;

    let cpu = broker.cpu();
    let alone = logins("alone").await;
    alone.print("logins alone");
    println!("                 {:.1} s of processor time of the broker", broker.cpu() - cpu);
    let callbacks = dead::prepare(&site, &broker, choice.dead * choice.seconds).await;
    let (beside, dead) = tokio::join!(logins("dead"), dead::run(&broker, &clock, choice.dead, callbacks));
    beside.print("beside a dead provider");
    println!("                 p99 of a whole login × {:.2}", beside.p99() / alone.p99());
    println!("                 the dead provider's own callbacks: {dead:?}");

    garbage::run(&broker, &clock, &choice, Duration::from_secs(1)).await;
    let (writes, bytes) = (measure::writes(&broker).await, measure::bytes(&site));
    let cpu = broker.cpu();
    let flood = garbage::run(&broker, &clock, &choice, Duration::from_secs(choice.seconds)).await;
    println!("                 {:.1} s of processor time of the broker", broker.cpu() - cpu);
    let (written, grown) = (measure::writes(&broker).await - writes, measure::bytes(&site) - bytes);
    println!("garbage alone    {flood:?}; writes {written}, the store's files grew by {grown} bytes");
    let span = Duration::from_secs(choice.seconds);
    let (beside, flood) = tokio::join!(logins("flood"), garbage::run(&broker, &clock, &choice, span));
    beside.print("beside garbage");
    println!("                 p99 of a whole login × {:.2}; {flood:?}", beside.p99() / alone.p99());
}

/// A percentile in milliseconds.
fn at(times: &[Duration], percent: usize) -> f64 {
    let place = (times.len() * percent / 100).min(times.len().saturating_sub(1));
    times.get(place).map_or(f64::NAN, |time| time.as_secs_f64() * 1000.0)
}

impl Figures {
    fn print(&self, name: &str) {
        let share = 100.0 * f64::from(self.succeeded) / f64::from(self.begun.max(1));
        println!("{name:16} {} of {} succeeded ({share:.2} %)", self.succeeded, self.begun);
        for (step, times) in walk::STEPS.iter().zip(&self.times) {
            println!("                 {step:16} p50 {:8.2} ms  p99 {:8.2} ms", at(times, 50), at(times, 99));
        }
    }

    /// Of a whole login, in milliseconds.
    fn p99(&self) -> f64 {
        self.times.last().map_or(f64::NAN, |times| at(times, 99))
    }
}
