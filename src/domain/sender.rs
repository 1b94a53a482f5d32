//! Who asked for a link, and whom the platform believes to be there.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ids::ContactId;

/// Who asked for a link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Sender {
    /// A person at a desk, or a program.
    pub kind: SenderKind,
    /// The platform's name for it, 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200, examples("acme-bot"))]
    pub id: String,
}

/// What kind of sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SenderKind {
    /// A person at a desk.
    Agent,
    /// A program.
    Bot,
}

/// Which contact the platform believes this is: a hint, never a proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContactHint {
    /// Our id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<ContactId>,
    /// The platform's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
}
