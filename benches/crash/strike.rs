//! What is killed, and when.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use super::broker::{Broker, Site};
use super::redis::Redis;

/// What is killed.
pub struct Target {
    /// `broker`, `redis` or `master`.
    pub kill: &'static str,
    /// Seconds between two kills, by half more or less.
    pub every: f64,
    /// Of the moments.
    pub seed: u64,
}

/// Kills until it is over; hands everything back, with how often it killed.
pub async fn strike(
    target: Target,
    site: Site,
    mut brokers: Vec<Broker>,
    mut redis: Redis,
    over: Arc<AtomicBool>,
) -> (Site, Vec<Broker>, Redis, u64) {
    let mut chance = target.seed;
    let mut kills = 0;
    while pause(target.every * (0.5 + fraction(&mut chance)), &over).await {
        match target.kill {
            "broker" => {
                let at = usize::try_from(kills).unwrap() % brokers.len();
                brokers[at].kill_and_start(&site).await;
            }
            "redis" => redis.kill_and_start(),
            _ if kills == 0 => redis.kill_a_master(),
            _ => break,
        }
        kills += 1;
    }
    (site, brokers, redis, kills)
}

/// Writes and syncs files beside the store, one thread per file, until it is over.
pub fn disk_load(folder: &Path, files: u32, over: &Arc<AtomicBool>) -> Vec<JoinHandle<()>> {
    let write = |number| {
        let (path, over) = (folder.join(format!("load-{number}")), Arc::clone(over));
        std::thread::spawn(move || {
            let block = vec![0x5a; 8 << 20];
            while !over.load(Ordering::Relaxed) {
                let mut file = File::create(&path).unwrap();
                file.write_all(&block).unwrap();
                file.sync_all().unwrap();
            }
        })
    };
    (0..files).map(write).collect()
}

/// Waits so many seconds; false if it was over meanwhile.
async fn pause(seconds: f64, over: &AtomicBool) -> bool {
    let step = Duration::from_millis(20);
    let mut left = Duration::from_secs_f64(seconds);
    while !left.is_zero() && !over.load(Ordering::Relaxed) {
        tokio::time::sleep(step).await;
        left = left.saturating_sub(step);
    }
    !over.load(Ordering::Relaxed)
}

/// The next number from 0 to 1 of a seeded sequence (splitmix64).
fn fraction(state: &mut u64) -> f64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    f64::from(u32::try_from((mixed ^ (mixed >> 31)) >> 32).unwrap()) / f64::from(u32::MAX)
}
