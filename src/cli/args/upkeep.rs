//! What one can type of work on a store beside the brokers that serve it: backup, restore, and the
//! audit.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::domain::ids::{ProviderId, TenantId};

use super::SettingsArgs;

/// Where a backup goes.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// The settings.
    #[command(flatten)]
    pub settings: SettingsArgs,
    /// The file to make; an existing one is never overwritten
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// Where a backup comes from.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// The settings.
    #[command(flatten)]
    pub settings: SettingsArgs,
    /// The file
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Only say whether it could be imported
    #[arg(long)]
    pub check: bool,
}

/// What `doctor` looks at.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// The settings.
    #[command(flatten)]
    pub settings: SettingsArgs,
    /// This tenant only [default: every one]
    #[arg(long, value_name = "NAME")]
    pub tenant: Option<TenantId>,
    /// The providers of this name only [default: every one]
    #[arg(long, value_name = "ID")]
    pub provider: Option<ProviderId>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Commands on the audit.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Find out whether entries were altered, deleted, inserted or moved behind our back
    #[command(after_help = "Examples:\n  countersign audit verify --config countersign.toml\n  \
                      countersign audit verify --tenant acme --json\n  \
                      countersign audit verify | tee last.txt          # keep this elsewhere\n  \
                      countersign audit verify --since @last.txt       # finds that an older state was put back\n\n\
                      Brokers may go on meanwhile. docs/audit.md says what is found and what cannot be.\n\n\
                      Exit codes: 0 nothing is wrong, 1 something is, 2 bad usage or settings.")]
    Verify(VerifyArgs),
    /// Print every entry of a tenant, oldest first, as a line of JSON each
    #[command(
        after_help = "Examples:\n  countersign audit list --tenant _platform     # keys and the operator's clients\n  \
                      countersign audit list --tenant acme > acme.jsonl\n\n\
                      Each line has the entry's `position` in the audit. A running broker tells a tenant the same at \
                      /v1/audit.\n\n\
                      Exit codes: 0 done, 2 bad usage or settings."
    )]
    List(ListArgs),
}

/// Whose audit.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// The settings.
    #[command(flatten)]
    pub settings: SettingsArgs,
    /// The tenant; `_platform` is the operator
    #[arg(long, value_name = "NAME")]
    pub tenant: TenantId,
}

/// Which audit.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// The settings.
    #[command(flatten)]
    pub settings: SettingsArgs,
    /// This tenant's only [default: every one's that ever stored something]
    #[arg(long, value_name = "NAME")]
    pub tenant: Option<TenantId>,
    /// A checkpoint that was printed before, which must still be there; or `@` and a file with what was printed
    #[arg(long, value_name = "CHECKPOINT|@FILE")]
    pub since: Vec<String>,
    /// Print a line of JSON per tenant
    #[arg(long)]
    pub json: bool,
}
