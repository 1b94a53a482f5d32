//! What can be asked of a provider without a person: names, certificates, metadata, keys, the
//! sign-in page, and with nonsense the token endpoint and WhoAmI. A test login begins with it, and
//! `countersign doctor` is made of it. Nothing is stored, and no breaker of a live login hears of it.
//!
//! To add a look: 1. a function in a file of its kind that gives back a [`StageReport`] with cause and
//! remedy in words, 2. its place in [`Probe::begin`] or in `cli/doctor`, 3. a case in `tests/it/trial/`.

mod authorize;
mod credentials;
mod reach;
mod sample;

pub(super) use authorize::complained;
pub(super) use credentials::TOKEN_URL;
pub(super) use reach::unmet;

use std::time::{Duration, Instant};

use jiff::SignedDuration;

use crate::clock::Clock;
use crate::domain::provider::Provider;
use crate::domain::tenant::Tenant;
use crate::domain::trial::{Proposal, Stage, StageOutcome, StageReport};
use crate::egress::cache::Documents;
use crate::egress::gate::{Gates, Pass, Room, Withheld};
use crate::egress::provider::ProviderClient;
use crate::oauth::server::Server;

/// Everything that is asked of one provider takes at most this long.
pub const LONGEST: Duration = Duration::from_secs(10);

/// Asks providers.
#[derive(Debug, Clone)]
pub struct Probe {
    client: ProviderClient,
    documents: Documents,
    clock: Clock,
}

/// Who is asked, and until when.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// Whose provider it is.
    pub tenant: &'a Tenant,
    /// The settings.
    pub provider: &'a Provider,
    /// When it is over.
    pub deadline: Instant,
}

/// What was seen.
#[derive(Debug, Default)]
pub struct Seen {
    /// The steps in their order.
    pub steps: Vec<StageReport>,
    /// Where a login would go; none if that cannot be known.
    pub server: Option<Server>,
    /// Settings that would mend something.
    pub proposals: Vec<Proposal>,
    /// How far the clocks of the hosts are ahead of ours.
    pub clocks: Vec<(String, SignedDuration)>,
}

impl Seen {
    /// Whether a login would fail already.
    pub fn has_failed(&self) -> bool {
        self.steps.iter().any(|step| step.outcome == StageOutcome::Failed)
    }

    /// Every step of `stages` that was not reached.
    fn skip(&mut self, stages: &[Stage]) {
        for stage in stages {
            if !self.steps.iter().any(|step| step.step == *stage) {
                self.steps.push(StageReport::skipped(*stage, "an earlier step failed"));
            }
        }
        self.steps.sort_by_key(|step| step.step);
    }
}

impl Probe {
    /// Asks through this client.
    pub fn new(client: ProviderClient, documents: Documents, clock: Clock) -> Self {
        Self { client, documents, clock }
    }

    /// When a probe that begins now is over.
    pub fn deadline(&self) -> Instant {
        self.clock.tick() + LONGEST
    }

    /// The steps of a test that need no person: `dns`, `tls`, `discovery`, `jwks`, `authorize`.
    pub async fn begin(&self, target: &Target<'_>) -> Seen {
        let mut seen = self.reach(target).await;
        if !seen.has_failed()
            && let Some(server) = seen.server.clone()
        {
            let (report, proposals) = self.authorize(target, &server).await;
            seen.steps.push(report);
            seen.proposals.extend(proposals);
        }
        seen.skip(&[Stage::Dns, Stage::Tls, Stage::Discovery, Stage::Jwks, Stage::Authorize]);
        seen
    }

    /// A way to the provider for one test login, which no other login shares: what fails in it closes
    /// the provider to nobody.
    pub(super) async fn enter(&self, target: &Target<'_>) -> Result<Pass, Withheld> {
        let gates = Gates::new(self.client.clone(), self.clock.clone(), Room::default());
        gates.enter(&target.tenant.id, &target.provider.id).await
    }

    /// Does something and says how many milliseconds it took.
    async fn timed<T>(&self, work: impl Future<Output = T>) -> (T, u64) {
        let since = self.clock.tick();
        let done = work.await;
        let took = self.clock.tick().saturating_duration_since(since).as_millis();
        (done, u64::try_from(took).unwrap_or(u64::MAX))
    }
}
