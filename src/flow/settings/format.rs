//! What reads and writes settings: the one vocabulary of tenant files and API. It is implemented
//! where the files are read (`tenants::stored`), since a flow knows no files.

use std::fmt;

use serde_json::{Map, Value};

use crate::domain::ids::TenantId;
use crate::domain::stored::{Difference, Secrets, Settings};
use crate::domain::tenant::{Served, Tenant};

use super::described::Described;

/// Which settings a document holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Those of a tenant but for its providers.
    Tenant,
    /// Those of one provider.
    Provider,
    /// Those of one webhook.
    Webhook,
    /// Those of one snippet.
    Snippet,
}

/// What is wrong with settings that a client sent, or what it should know of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// A JSON pointer (RFC 6901) into what was sent.
    pub pointer: String,
    /// What is wrong.
    pub message: String,
    /// How to mend it.
    pub help: Option<String>,
    /// The place in the text that the pointer names, from 1.
    pub column: Option<usize>,
    /// Whether everybody would become a new person, which somebody may want.
    pub makes_new_people: bool,
}

/// Settings that are in order.
#[derive(Debug)]
pub struct Reading {
    /// What they make.
    pub tenant: Tenant,
    /// What somebody should know of them.
    pub warnings: Vec<Remark>,
}

/// Reads and writes settings.
pub trait Format: Send + Sync + fmt::Debug {
    /// From what a client sent to settings. Secrets go into `secrets`; one that is not sent stays as `before` has it.
    fn take(
        &self,
        part: Part,
        sent: &Map<String, Value>,
        before: Option<&Settings>,
        secrets: &mut Secrets,
    ) -> Result<Settings, Vec<Remark>>;

    /// From settings to a tenant, or everything that is wrong with them. Pointers begin at the whole: a provider's
    /// with `/providers/` and its place.
    fn read(
        &self,
        id: &TenantId,
        document: &Settings,
        providers: &[&Settings],
        secrets: &Secrets,
    ) -> Result<Reading, Vec<Remark>>;

    /// Settings as a client may see them: of a secret only that it is set, and since when.
    fn show(&self, part: Part, settings: &Settings, secrets: &Secrets) -> Map<String, Value>;

    /// What is not the same in two versions, setting by setting.
    fn differences(&self, part: Part, before: &Settings, after: &Settings) -> Vec<Difference>;

    /// The settings of a part, as people read of them.
    fn describe(&self, part: Part) -> Vec<Described>;

    /// Settings as a tenant file.
    fn export(&self, id: &TenantId, document: &Settings, providers: &[&Settings]) -> String;

    /// The settings that the file of a tenant holds, if they are those that are served: its document, and each provider.
    fn of_file(&self, served: &Served) -> Option<(Settings, Vec<Settings>)>;
}

impl Remark {
    /// Something wrong at a place.
    pub fn new(
        pointer: impl Into<String>,
        message: impl Into<String>,
        help: impl Into<Option<String>>,
    ) -> Self {
        Self {
            pointer: pointer.into(),
            message: message.into(),
            help: help.into(),
            column: None,
            makes_new_people: false,
        }
    }
}
