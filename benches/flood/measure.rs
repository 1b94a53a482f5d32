//! What the broker has written.

use super::broker::{Broker, Site, http};

/// How often it has committed so far, by its own account.
pub async fn writes(broker: &Broker) -> u64 {
    let url = format!("{}/metrics", broker.origin);
    let text = http().get(url).send().await.unwrap().text().await.unwrap();
    let commits =
        text.lines().filter(|line| line.starts_with("countersign_store_seconds_count{operation=\"commit_"));
    commits.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
}

/// How large its store's files are, in bytes.
pub fn bytes(site: &Site) -> i64 {
    let files = std::fs::read_dir(site.folder()).unwrap().map(|entry| entry.unwrap().metadata().unwrap());
    files.map(|file| i64::try_from(file.len()).unwrap()).sum()
}
