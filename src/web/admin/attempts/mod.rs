//! Attempts: every opening of a link, newest first, for whoever must find out why a sign-in failed.
//! Nothing on these pages is of any person.
//!
//! To add a filter: 1. its field in `filter.rs` and in `flow/lists.rs`, 2. its input in
//! `templates/admin/attempts/list.html`, 3. a case in `tests/it/insight/attempts.rs`. To add a code: its
//! lines in `remedy.rs`.

mod detail;
mod export;
mod filter;
mod list;
pub mod remedy;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;

use crate::web::Web;

/// The URLs of these pages.
pub fn routes() -> Router<Arc<Web>> {
    Router::new()
        .route("/admin/attempts", get(list::list))
        .route("/admin/attempts.csv", get(export::export))
        .route("/admin/attempts/{id}", get(detail::detail))
}
