//! The agent's console: conversations with their live state, a sign-in in two keys, who is verified, the contact, and a
//! chat simulator for tenants without a platform. Every page works without scripts; where they run, the parts with an
//! id that begins with `live-` ask for themselves again when `live.rs` tells of a change.
//!
//! | path | what |
//! |---|---|
//! | `GET /console` | the conversations; a part of them by `filter` and `cursor` |
//! | `POST /console/search` | looks for conversations |
//! | `GET /console/new` | opens a conversation that no platform opens |
//! | `GET /console/side` | the latest conversations beside an open one |
//! | `GET /console/live` | what changes, as server-sent events |
//! | `GET /console/conversations/{id}` | one conversation; with `channel` and `handle` also one that is not known yet |
//! | `GET …/message` | the message with another provider or in another language |
//! | `POST …/send` `…/cancel` `…/resend` `…/confirm` `…/end` | what an agent does there |
//! | `POST /console/contacts/{id}/undo` `…/accept` `…/dismiss` | a field of the contact |
//! | `GET, POST /console/contacts/{id}/merge` `…/erase` | an admin ends a contact: another one goes up in it, or it is erased |
//! | `GET /console/simulator/{id}`, `POST …/message` | the customer's side of the chat |
//!
//! To add an action: 1. a handler in `actions.rs` that calls a use case of the API, 2. its row in [`routes`] and above,
//! 3. its form in `templates/console/`, with a sentence in `web/staff/said.rs`, 4. its cases in `tests/it/console/`.

mod actions;
mod contact;
mod conversation;
mod erase;
mod identity;
mod language;
mod list;
mod live;
mod merge;
mod panel;
mod paths;
mod person;
mod progress;
mod query;
mod rows;
mod simulator;
mod words;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

use super::Web;

/// The URLs of the console.
pub fn routes() -> Router<Arc<Web>> {
    Router::new()
        .route("/console", get(list::list))
        .route("/console/search", post(list::search))
        .route("/console/new", get(list::new))
        .route("/console/side", get(list::side))
        .route("/console/live", get(live::live))
        .route("/console/conversations/{id}", get(conversation::page))
        .route("/console/conversations/{id}/message", get(conversation::message))
        .route("/console/conversations/{id}/send", post(actions::send))
        .route("/console/conversations/{id}/cancel", post(actions::cancel))
        .route("/console/conversations/{id}/resend", post(actions::resend))
        .route("/console/conversations/{id}/confirm", post(actions::confirm))
        .route("/console/conversations/{id}/end", post(actions::end))
        .route("/console/contacts/{id}/undo", post(contact::undo))
        .route("/console/contacts/{id}/accept", post(contact::accept))
        .route("/console/contacts/{id}/dismiss", post(contact::dismiss))
        .route("/console/contacts/{id}/merge", get(merge::ask).post(merge::merge))
        .route("/console/contacts/{id}/erase", get(erase::ask).post(erase::erase))
        .route("/console/simulator/{id}", get(simulator::page))
        .route("/console/simulator/{id}/message", post(simulator::message))
}
