//! The chat confirms a sign-in: the customer sent the code of the result page (DESIGN §5.4).

use tokio::sync::OnceCell;

use crate::domain::audit::{AuditAction, AuditEntry};
use crate::domain::binding::Binding;
use crate::domain::confirmation::TypedCode;
use crate::domain::event::EventType;
use crate::domain::fault::{Code, Fault, Step};
use crate::domain::ids::LinkId;
use crate::domain::link::{Link, LinkState, LinkStatus};
use crate::domain::request::{AuthorizationRequest, CODE_GUESSES, Outcome, Phase, Provisional};
use crate::domain::tenant::Tenant;
use crate::store::{Durability, StoreError, Stored, Tx};

use super::record::{End, SignIn};
use super::{Broker, RACES};

/// What the names of messages are hashed for.
const MESSAGE: &str = "message";

/// Why a code did not confirm a sign-in.
#[derive(Debug, thiserror::Error)]
pub enum ConfirmError {
    /// No link has this id.
    #[error("no link has this id")]
    Unknown,
    /// Nobody has signed in yet, so that there is nothing to confirm.
    #[error("no sign-in waits for a code; the link is {0}")]
    NothingWaits(LinkStatus),
    /// The code is wrong.
    #[error("the code is wrong")]
    Wrong {
        /// How many more may be tried.
        attempts_left: u8,
    },
    /// No code is taken any more: too many guesses, too late, or the link is final.
    #[error("no code is taken any more; the link is {0}")]
    Spent(LinkStatus),
    /// The sign-in could not be recorded.
    #[error("the sign-in was not recorded: {0}")]
    NotRecorded(Fault),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A sign-in that waits for its code.
struct Waiting {
    link: Stored<Link>,
    request: Stored<AuthorizationRequest>,
    provisional: Provisional,
}

/// Whether a code was said for the first time.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Guess {
    First,
    /// The channel sent the same message again.
    Again,
}

impl Broker {
    /// Compares a code with the one of the waiting sign-in, and completes the link if it is right.
    pub async fn confirm_link(
        &self,
        tenant: &Tenant,
        id: &LinkId,
        typed: &TypedCode,
    ) -> Result<Link, ConfirmError> {
        self.confirm_heard(tenant, id, typed, None).await
    }

    /// The same with a code that stood in a message of a channel. One that is sent again is no further guess, but if
    /// its code is right and the first time was not recorded, it counts now.
    pub(super) async fn confirm_heard(
        &self,
        tenant: &Tenant,
        id: &LinkId,
        typed: &TypedCode,
        message: Option<&str>,
    ) -> Result<Link, ConfirmError> {
        let said = message.map(|name| format!("{name}\n{}", typed.digits()));
        let (guessed, guess) = self.count_guess(tenant, id, said.as_deref()).await?;
        if !guessed.provisional.code.matches(typed.digits()) {
            return Err(self.refuse_guess(tenant, &guessed, guess).await?);
        }
        let mut waiting = self.find_again(tenant, &guessed).await?;
        self.note_confirmation(&mut waiting.request);
        self.complete_confirmed(tenant, &waiting).await?;
        self.link(tenant, id).await?.ok_or(ConfirmError::Unknown)
    }

    /// Counts the guess at the sign-in, the link and the conversation, before anything is compared:
    /// guesses in parallel are counted one by one. Answers the sign-in that the guess was counted for,
    /// as it was read, with the number of the guess.
    async fn count_guess(
        &self,
        tenant: &Tenant,
        id: &LinkId,
        said: Option<&str>,
    ) -> Result<(Waiting, Guess), ConfirmError> {
        let store = self.store.at(&tenant.id);
        for _ in 0..RACES {
            let mut waiting = self.find_waiting(tenant, id).await?;
            let status = waiting.link.value.status();
            // What was said to an older sign-in of the link is a guess of its own at a newer one.
            let heard = |said| store.hash(MESSAGE, &format!("{}\n{said}", waiting.request.value.key));
            let message = said.map(heard);
            if message.as_deref().is_some_and(|message| waiting.link.value.guesses.has_heard(message)) {
                return Ok((waiting, Guess::Again));
            }
            if waiting.provisional.guesses >= CODE_GUESSES {
                return Err(ConfirmError::Spent(status));
            }
            let now = self.clock.now();
            let mut tx = Tx::new();
            let mut link = waiting.link.value.clone();
            link.guesses = link.guesses.clone().count(now).map_err(|_| ConfirmError::Spent(status))?;
            if let Some(message) = message {
                link.guesses.hear(message);
            }
            tx.update_link(&waiting.link, &link);
            if let Some(known) = store.conversation(&link.conversation.id).await? {
                let mut conversation = known.value.clone();
                conversation.guesses =
                    conversation.guesses.clone().count(now).map_err(|_| ConfirmError::Spent(status))?;
                tx.put_conversation(Some(&known), &conversation);
            }
            waiting.provisional.guesses += 1;
            let counted = waiting.request.value.clone().hold(waiting.provisional.clone());
            tx.update_request(&waiting.request, &counted);
            match store.commit(tx, Durability::Relaxed).await {
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error.into()),
                Ok(()) => return Ok((waiting, Guess::First)),
            }
        }
        Err(StoreError::Conflict.into())
    }

    /// The same sign-in as it is now, unless another guess or a newer sign-in ended it meanwhile.
    async fn find_again(&self, tenant: &Tenant, before: &Waiting) -> Result<Waiting, ConfirmError> {
        let now = self.find_waiting(tenant, &before.link.value.id).await?;
        let same = now.request.value.key == before.request.value.key;
        if same { Ok(now) } else { Err(ConfirmError::Spent(LinkStatus::Failed)) }
    }

    /// The sign-in of a link that waits for its code.
    async fn find_waiting(&self, tenant: &Tenant, id: &LinkId) -> Result<Waiting, ConfirmError> {
        let store = self.store.at(&tenant.id);
        let now = self.clock.now();
        let link = store.link(id).await?.ok_or(ConfirmError::Unknown)?;
        let current = link.value.clone().as_of(now);
        let LinkState::Provisional { request, .. } = &current.state else {
            return Err(nothing_waits(&current));
        };
        let request = store.request(request).await?.ok_or(ConfirmError::Spent(LinkStatus::Failed))?;
        match request.value.phase_at(now) {
            // The channel itself will say who it was: no code is shown, and none is compared.
            Phase::Provisional(_) if request.value.native.is_some() => {
                Err(ConfirmError::NothingWaits(LinkStatus::Provisional))
            }
            Phase::Provisional(provisional) => Ok(Waiting { link, request, provisional: *provisional }),
            _ => Err(ConfirmError::Spent(LinkStatus::Failed)),
        }
    }

    /// The answer to a wrong code; after the last one the sign-in is spent and forgotten.
    async fn refuse_guess(
        &self,
        tenant: &Tenant,
        guessed: &Waiting,
        guess: Guess,
    ) -> Result<ConfirmError, ConfirmError> {
        if guess == Guess::Again {
            return Ok(ConfirmError::NothingWaits(guessed.link.value.status()));
        }
        let attempts_left = CODE_GUESSES.saturating_sub(guessed.provisional.guesses);
        let entry = self.entry("customer", AuditAction::CodeRefused, guessed.link.value.id.to_string());
        let detail = Some(format!("{attempts_left} left"));
        self.note(&tenant.id, AuditEntry { detail, ..entry }).await?;
        if attempts_left == 0 {
            self.spend(tenant, guessed).await?;
        }
        Ok(ConfirmError::Wrong { attempts_left })
    }

    async fn spend(&self, tenant: &Tenant, guessed: &Waiting) -> Result<(), ConfirmError> {
        for _ in 0..RACES {
            let waiting = match self.find_again(tenant, guessed).await {
                Ok(waiting) => waiting,
                Err(ConfirmError::Store(error)) => return Err(error.into()),
                Err(_) => return Ok(()),
            };
            let now = self.clock.now();
            let fault = Fault::new(Step::Bind, Code::GuessesSpent);
            let mut tx = Tx::new();
            let finished = waiting.request.value.clone().finish(Outcome::Failed(fault), now);
            tx.update_request(&waiting.request, &finished);
            if let Ok(spent) = waiting.link.value.clone().spend(now) {
                tx.update_link(&waiting.link, &spent);
                self.announce_link(&mut tx, &tenant.id, EventType::Failed, &spent, "customer");
            }
            match self.store.at(&tenant.id).commit(tx, Durability::Durable).await {
                Err(StoreError::Conflict) => {}
                done => return Ok(done?),
            }
        }
        Err(StoreError::Conflict.into())
    }

    /// The attempt is bound a second time, now by the chat.
    fn note_confirmation(&self, request: &mut Stored<AuthorizationRequest>) {
        let at = request.value.age_at(self.clock.now());
        request.value.timeline.begin(Step::Bind, at);
        request.value.timeline.begin(Step::Record, at);
    }

    async fn complete_confirmed(&self, tenant: &Tenant, waiting: &Waiting) -> Result<(), ConfirmError> {
        let Provisional { signed_in, exchanged_at, .. } = &waiting.provisional;
        let gone = Fault::new(Step::Bind, Code::ProviderChanged);
        let began = self.confirmed_with(tenant, &waiting.request.value);
        let provider = began.ok_or(ConfirmError::NotRecorded(gone))?;
        let end = End::Completed(SignIn {
            provider: &provider,
            conversation: &waiting.link.value.conversation.id,
            signed_in,
            exchanged_at: *exchanged_at,
            binding: Binding::Code,
            vouched_at: None,
            number: OnceCell::new(),
        });
        let recorded = self.record(tenant, &waiting.request, &end).await;
        recorded.map_err(ConfirmError::NotRecorded)
    }
}

fn nothing_waits(link: &Link) -> ConfirmError {
    match link.status() {
        status @ (LinkStatus::Created | LinkStatus::Opened | LinkStatus::Denied) => {
            ConfirmError::NothingWaits(status)
        }
        status => ConfirmError::Spent(status),
    }
}
