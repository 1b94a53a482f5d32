//! Letters of every kind: whether they go out at all, and those that wait when the process stops.

use std::time::Duration;

use super::Broker;

/// How long a stop waits for letters: a customer who was promised one is not left waiting for it, and a mail server that
/// hangs does not keep the process.
const STOPPING: Duration = Duration::from_secs(10);

impl Broker {
    /// Whether letters go out.
    pub fn sends_mail(&self) -> bool {
        self.post.is_some()
    }

    /// Waits until the letters that were handed in are gone, for a bounded time.
    pub async fn finish_letters(&self) {
        if let Some(post) = &self.post {
            post.finish(STOPPING).await;
        }
    }
}
