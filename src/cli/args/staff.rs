//! What one can type of a tenant's staff.

use clap::{Args, Subcommand};

use crate::domain::ids::TenantId;
use crate::domain::staff::{Role, StaffEmail};

use super::SettingsArgs;

/// Commands on staff.
#[derive(Debug, Subcommand)]
pub enum StaffCommand {
    /// Print a one-time link that signs somebody in, good for 15 minutes
    #[command(
        after_help = "Examples:\n  countersign staff invite --tenant acme --email dana@acme.example\n  \
                      countersign staff invite --tenant acme --email ari@acme.example --role agent\n\n\
                      Who is not staff yet becomes it, the first one as admin, where the tenant stands in the store. Where \
                      it stands in a file, the command says which lines to add. A newer link makes an older one worthless.\n\n\
                      Exit codes: 0 printed, 2 bad usage, settings, or not possible."
    )]
    Invite(StaffInviteArgs),
    /// Print who is staff
    #[command(after_help = "Examples:\n  countersign staff list --tenant acme\n  \
                      countersign staff list --tenant acme --json | jq -r .email\n\n\
                      Exit codes: 0 printed, 2 bad usage or settings.")]
    List(StaffListArgs),
    /// Take somebody out of the staff; their browsers are signed out
    #[command(after_help = "Example:\n  countersign staff remove --tenant acme --email ari@acme.example\n\n\
                      The last admin stays. Where the tenant stands in a file, it is changed there.\n\n\
                      Exit codes: 0 done, 2 bad usage, settings, or not possible.")]
    Remove(StaffArgs),
}

/// One member.
#[derive(Debug, Args)]
pub struct StaffArgs {
    /// The settings.
    #[command(flatten)]
    pub settings: SettingsArgs,
    /// The tenant
    #[arg(long, value_name = "NAME")]
    pub tenant: TenantId,
    /// The address by which this person signs in
    #[arg(long, value_name = "ADDRESS")]
    pub email: StaffEmail,
}

/// Whom to invite.
#[derive(Debug, Args)]
pub struct StaffInviteArgs {
    /// Who.
    #[command(flatten)]
    pub member: StaffArgs,
    /// What they may do: `admin` or `agent` [default: admin for the first, else agent; who is staff already stays what they are]
    #[arg(long, value_name = "ROLE")]
    pub role: Option<Role>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Whose staff.
#[derive(Debug, Args)]
pub struct StaffListArgs {
    /// The settings.
    #[command(flatten)]
    pub settings: SettingsArgs,
    /// The tenant
    #[arg(long, value_name = "NAME")]
    pub tenant: TenantId,
    /// Print a line of JSON per person
    #[arg(long)]
    pub json: bool,
}
