//! The whole path in a real browser: headless Chromium, the broker, and OAuth servers from npm
//! that nobody here wrote. `./check` installs all of it; a test that lacks a part fails and says so.
//!
//! To add a test: 1. start a [`World`] with the provider that it needs, 2. walk with the browser's
//! `press`, `fill` and `see`, which wait for elements and never for time: name one that the page
//! before does not have, 3. ask the broker's API
//! what came of it. To add a provider: a file in `tests/providers` that prints `READY <origin>` and
//! then a line `METHOD /path` per request, and a variant of [`provider::Kind`].
//!
//! Every page and its states stand in [`catalogue`], which is compared with the URL tables. Pictures of every page and state, to be looked at by people: `./screenshots`. Customers' pages are taken in
//! `pictures`; those of staff are looked at by an [`inspector::Inspector`], with axe-core.

mod catalogue;
pub mod chromium;
mod customers;
mod insight;
pub mod inspector;
mod logins;
mod pictures;
mod provider;
mod refusals;
mod staff;
mod visits;
mod web_chat;
mod world;

pub use chromium::{Chromium, Scripts};
use world::{CONFIRM, CONTINUE, END, Setup, World};
