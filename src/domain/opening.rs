//! The opening of a link: the customer pressed *Continue*.

use serde::{Deserialize, Serialize};

use super::link::LinkIsFinal;

/// One opening of a link, as the browser's cookie names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opening {
    /// The name of the cookie that it set.
    pub cookie_name: String,
    /// The key of its authorization request.
    pub request: String,
}

/// How many openings a link remembers.
pub const OPENINGS: usize = 8;
/// How often a link may be opened: each opening leaves a record that is kept for weeks, and who holds the
/// link is not yet known to be anybody.
pub const MOST_OPENINGS: u32 = 50;

/// Why a link was not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotOpened {
    /// It is over.
    #[error(transparent)]
    Final(#[from] LinkIsFinal),
    /// It was opened [`MOST_OPENINGS`] times.
    #[error("the link was opened too many times")]
    TooOften,
}
