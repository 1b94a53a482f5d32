//! Logins that begin at a steady rate.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use countersign::clock::Clock;

use super::walk::{STEPS, Walk};

/// What came of them.
pub struct Figures {
    /// So many began.
    pub begun: u32,
    /// So many ended well.
    pub succeeded: u32,
    /// How long each step took, sorted.
    pub times: Vec<Vec<Duration>>,
}

/// Where logins begin, and how many a second.
#[derive(Clone, Copy)]
pub struct Begin<'b> {
    /// The broker.
    pub origin: &'b str,
    /// The bot's token.
    pub token: &'b str,
    /// For durations.
    pub clock: &'b Clock,
    /// So many.
    pub a_second: u64,
}

/// Begins `all` logins and waits for all of them. A bot and browser that is done takes the next one; if none
/// is, another one comes.
pub async fn run(begin: Begin<'_>, name: &'static str, all: u64) -> Figures {
    let idle: Arc<Mutex<Vec<Walk>>> = Arc::default();
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / u32::try_from(begin.a_second).unwrap());
    let mut tasks = Vec::new();
    for number in 0..all {
        ticks.tick().await;
        let kept = idle.lock().unwrap().pop();
        let mut walk = kept.unwrap_or_else(|| Walk::new(begin.origin, begin.token, begin.clock.clone()));
        let idle = Arc::clone(&idle);
        tasks.push(tokio::spawn(async move {
            walk.login(&format!("{name}-{number}")).await;
            idle.lock().unwrap().push(walk);
        }));
    }
    let mut succeeded = 0;
    for task in tasks {
        // A login that does not go as it should panics where it stands.
        succeeded += u32::from(task.await.is_ok());
    }
    let mut times = vec![Vec::new(); STEPS.len()];
    for walk in idle.lock().unwrap().drain(..) {
        for (all, own) in times.iter_mut().zip(walk.times) {
            all.extend(own);
        }
    }
    for times in &mut times {
        times.sort_unstable();
    }
    Figures { begun: u32::try_from(all).unwrap_or(u32::MAX), succeeded, times }
}
