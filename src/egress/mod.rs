//! Everything that leaves the building. Nothing else in the house opens a connection to a host
//! that a tenant chose.
//!
//! Two checks guard a call, because one cannot do it alone: [`guard`] looks at the URL before each
//! call (scheme, port, literal addresses, the operator's list), and [`resolver`] looks at every
//! address that a name resolves to, at the moment it is dialled. [`address`] is the table that
//! both ask, [`allow`] an entry of the operator's list, [`error`] what can go wrong.
//! [`provider`] sends a request of `oauth` and reads the answer under a cap and a deadline; [`gate`]
//! stands in front of it, so that a dead provider costs its own customers only, and [`breaker`] knows
//! which one is dead; [`webhook`] sends a signed event.
//!
//! [`channel`] calls a messaging channel's own API. `inside` counts who is at work, for it and for [`gate`].
//!
//! [`cache`] fetches what a provider says about itself, its metadata and its keys, and keeps it.
//!
//! [`reach`] looks at a provider's hosts and pages for whoever sets one up, and [`certificate`] says until
//! when a host can prove who it is.
//!
//! [`mail`] sends letters to staff and customers, through the one mail server that the operator names.
//!
//! To add a client for another kind of target: 1. one file with its type, built on a
//! [`Guard`](guard::Guard) and on [`Dialer`](dialer::Dialer), which sets what every client has in
//! common, 2. its caps and deadlines as constants with their reason, 3. a line below, 4. tests
//! against a server that misbehaves in `tests/it/egress/`.
//!
//! To add a refused range: 1. a row in [`address`] with its source, 2. a row in its table test.

pub mod address;
pub mod allow;
pub mod breaker;
pub mod cache;
pub mod certificate;
pub mod channel;
pub mod dialer;
pub mod error;
pub mod gate;
pub mod guard;
mod inside;
pub mod mail;
pub mod provider;
pub mod reach;
pub mod resolver;
pub mod webhook;
