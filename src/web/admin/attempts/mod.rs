//! Attempts: every opening of a link, newest first, for whoever must find out why a sign-in failed.
//! Nothing on these pages is of any person.

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
