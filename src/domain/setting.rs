//! What is wrong with a settings file, as an operator is told of it while the broker runs.

use serde::Serialize;
use utoipa::ToSchema;

/// One thing that is wrong with a file. The last good version of what it says is in use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SettingFault {
    /// The file, as the settings name it.
    #[schema(examples("tenants/acme.toml"))]
    pub file: String,
    /// The line, from 1; null if it is the file as a whole.
    #[schema(required)]
    pub line: Option<usize>,
    /// The column in characters, from 1; null if it is the file as a whole.
    #[schema(required)]
    pub column: Option<usize>,
    /// What is wrong. It holds no secret.
    pub message: String,
}
