//! The channel has spoken: the sign-in is complete, or it has come to nothing.

use jiff::Timestamp;
use tokio::sync::OnceCell;

use crate::domain::binding::Binding;
use crate::domain::event::EventType;
use crate::domain::fault::{Code, Fault, Step};
use crate::domain::link::Link;
use crate::domain::request::{AuthorizationRequest, Outcome, Phase, Provisional};
use crate::domain::tenant::Tenant;
use crate::flow::inbound::Reading;
use crate::flow::record::{End, SignIn};
use crate::flow::{Broker, RACES};
use crate::store::{Durability, StoreError, Stored, Tx};

impl Broker {
    /// Completes a sign-in that waits for the channel's word. One that cannot be recorded is over, and no reason for the
    /// channel to send its webhook again, which holds other people's messages as well; only a store that fails is.
    pub(super) async fn complete_native(
        &self,
        tenant: &Tenant,
        request: &Stored<AuthorizationRequest>,
        link: &Link,
        (provisional, vouched_at): (&Provisional, Option<Timestamp>),
    ) -> Result<Reading, StoreError> {
        let Some(provider) = self.confirmed_with(tenant, &request.value) else {
            let gone = Fault::new(Step::Bind, Code::ProviderChanged);
            self.refuse_native(tenant, &request.value.key, gone).await?;
            return Ok(Reading::Spent(link.id.clone()));
        };
        let mut request = request.clone();
        let at = request.value.age_at(self.clock.now());
        request.value.timeline.begin(Step::Bind, at);
        request.value.timeline.begin(Step::Record, at);
        let end = End::Completed(SignIn {
            provider: &provider,
            conversation: &link.conversation.id,
            signed_in: &provisional.signed_in,
            exchanged_at: provisional.exchanged_at,
            binding: Binding::Native,
            vouched_at,
            number: OnceCell::new(),
        });
        match self.record(tenant, &request, &end).await {
            Ok(()) => {
                let (tenant, link_id, attempt) = (&tenant.id, &link.id, &request.value.id);
                tracing::info!(%tenant, %link_id, %attempt, "native.completed");
                Ok(Reading::Confirmed(link.id.clone()))
            }
            Err(Fault { code: Code::StoreUnavailable, .. }) => Err(StoreError::Conflict),
            // The same webhook, delivered twice at once, was faster.
            Err(Fault { code: Code::Voided, .. }) => Ok(Reading::Nothing),
            Err(fault) => {
                self.refuse_native(tenant, &request.value.key, fault).await?;
                Ok(Reading::Spent(link.id.clone()))
            }
        }
    }

    /// Ends an attempt that has not ended yet. What it knew of the person is forgotten.
    pub(super) async fn refuse_native(
        &self,
        tenant: &Tenant,
        key: &str,
        fault: Fault,
    ) -> Result<(), StoreError> {
        let (store, now) = (self.store.at(&tenant.id), self.clock.now());
        for _ in 0..RACES {
            let Some(request) = store.request(key).await? else { return Ok(()) };
            let runs = matches!(
                request.value.phase_at(now),
                Phase::Started | Phase::Claimed { .. } | Phase::Provisional(_)
            );
            let link = store.link(&request.value.link).await?.filter(|_| runs);
            let Some(link) = link else { return Ok(()) };
            let mut ended = request.value.clone();
            ended.timeline.fail(fault, ended.age_at(now));
            let mut tx = Tx::new();
            self.settle_lapse(&mut tx, &tenant.id, &link.value).await?;
            tx.update_request(&request, &ended.finish(Outcome::Failed(fault), now));
            let held = link.value.is_held_by(key);
            let failed = link.value.clone();
            let failed = if held { failed.refuse(fault, now) } else { failed.fail(key, fault, now) };
            if let Ok(failed) = failed {
                let news =
                    failed.failure.is_some_and(|failure| failure.code == fault.code && failure.at == now);
                tx.update_link(&link, &failed);
                if news {
                    self.announce_link(&mut tx, &tenant.id, EventType::Failed, &failed, "customer");
                }
            }
            match store.commit(tx, Durability::Durable).await {
                Err(StoreError::Conflict) => {}
                done => {
                    done?;
                    let (tenant, link_id, attempt) = (&tenant.id, &link.value.id, &request.value.id);
                    tracing::warn!(%tenant, %link_id, %attempt, step = %fault.step, code = %fault.code, "native.refused");
                    return Ok(());
                }
            }
        }
        Err(StoreError::Conflict)
    }
}
