//! Sign-ins that the channel itself vouches for (DESIGN §5.3, §5.4): Apple's two flows and Messenger's account
//! linking. What the provider says is held until the channel's own signed webhook says that the person of
//! the conversation did it.
//!
//! | file | what it holds |
//! |---|---|
//! | `ask` | what an authentication message of Apple's asks for, and what a tenant's messages can do |
//! | [`sheet`] | Apple's phone opens our authorize URL: the one GET that begins a sign-in |
//! | [`linking`] | Meta opens our page by its *Log In* button |
//! | `back` | the provider has answered: where the phone or the browser goes from our callback |
//! | [`relay`] | Apple's phone redeems a code of ours (older flow) |
//! | [`webhook`] | what the channel posts to us: who sent it, and what is in it |
//! | `reply` | Apple's reply to a message; `large` fetches one that is too big for a webhook |
//! | `settle` | the sign-in is complete, or it has come to nothing |
//!
//! To add a channel that vouches: 1. a variant of [`Native`](crate::domain::ask::Native), 2. how it begins, as a file
//! like `linking`, 3. its way back in `back`, 4. its webhook in `webhook`, which ends in `settle`.

pub(super) mod ask;
pub(super) mod back;
mod large;
pub mod linking;
pub mod relay;
mod reply;
mod settle;
pub mod sheet;
pub mod webhook;

pub(super) use ask::{can_vouch, means_of};

/// Where a phone or a browser goes from our callback, back into the app that it came from.
#[derive(Debug, Clone)]
pub struct Away {
    /// The address: `messages-auth:`, Apple's, or Facebook's. It holds nothing of the provider's, but what proves to us
    /// that the app was there.
    pub location: Secret,
    /// How the sign-in ended, for whoever sees a page instead.
    pub ended: SheetEnded,
    /// What customers call the provider; empty before one was reached.
    pub provider: String,
    /// The name of the attempt, by which the business finds it; empty if there is none.
    pub reference: String,
    /// Why the callback was refused before anything was claimed, if it was.
    pub refused: Option<Fault>,
}

pub use crate::channel::apple::sheet::Ended as SheetEnded;
use crate::domain::fault::Fault;
use crate::secret::Secret;
