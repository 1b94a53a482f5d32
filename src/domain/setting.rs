//! What is wrong with a settings file, as an operator is told of it while the broker runs.

use serde::Serialize;

/// One thing that is wrong with a file. The last good version of what it says is in use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SettingFault {
    /// The file, as the settings name it.
    pub file: String,
    /// The line, from 1; none if it is the file as a whole.
    pub line: Option<usize>,
    /// The column in characters, from 1; none if it is the file as a whole.
    pub column: Option<usize>,
    /// What is wrong. It holds no secret.
    pub message: String,
}
