//! `countersign staff`: who may use a tenant's pages, at the command line. It works on the store itself, also beside a
//! running broker, which hears of a change within a second.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail};

use crate::app::office;
use crate::clock::Clock;
use crate::config::{Config, Environment};
use crate::domain::actor::Actor;
use crate::domain::ids::{ClientId, TenantId};
use crate::domain::staff::{Member, Role, StaffEmail};
use crate::domain::tenant::Tenant;
use crate::flow::Broker;
use crate::flow::settings::staff::{MemberChange, NewMember};
use crate::flow::settings::{Home, Precondition, SettingsError};

use super::args::{StaffArgs, StaffCommand, StaffInviteArgs, StaffListArgs};

/// Who does something here, in the audit: `operator:` and this.
const WHO: &str = "command-line";

/// Runs the command.
pub fn run(command: &StaffCommand, environment: &Environment, out: &mut dyn Write) -> anyhow::Result<u8> {
    let (settings, tenant) = match command {
        StaffCommand::Invite(StaffInviteArgs { member, .. }) | StaffCommand::Remove(member) => {
            (&member.settings, &member.tenant)
        }
        StaffCommand::List(StaffListArgs { settings, tenant, .. }) => (settings, tenant),
    };
    let config = Config::read(&settings.flags(), environment)?.value;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let broker = office::open(&config, environment, tenant, &Clock::system()).await?;
        match command {
            StaffCommand::Invite(args) => invite(&broker, args, out).await,
            StaffCommand::Remove(args) => remove(&broker, args, out).await,
            StaffCommand::List(args) => list(&broker, args, out).await,
        }
    })
}

async fn invite(broker: &Broker, args: &StaffInviteArgs, out: &mut dyn Write) -> anyhow::Result<u8> {
    let StaffArgs { tenant: id, email, .. } = &args.member;
    let tenant = tenant(broker, id)?;
    let author = author();
    let member = match (tenant.member_with(email).cloned(), args.role) {
        (Some(member), None) => member,
        (Some(member), Some(role)) if member.role == role => member,
        (Some(member), Some(role)) => {
            let what = MemberChange { role: Some(role), ..MemberChange::default() };
            let changed = broker.change_member(id, &member.id, &what, &Precondition::Any, &author).await;
            changed.map_err(|error| explained(broker, id, email, Some(role), error))?
        }
        (None, role) => {
            let first = !tenant.staff.iter().any(|member| member.role.may(Role::Admin));
            let role = role.unwrap_or(if first { Role::Admin } else { Role::Agent });
            let new = NewMember { email: email.as_str().to_owned(), role, name: None };
            let added = broker.add_member(id, &new, &author).await;
            added.map_err(|error| explained(broker, id, email, Some(role), error))?
        }
    };
    // The settings may just have changed.
    let tenant = self::tenant(broker, id)?;
    let invited = broker.invite_member(&tenant, &member.id, &author).await?;
    if args.json {
        let answer = serde_json::json!({
            "url": invited.url.expose(), "id": member.id.as_str(), "role": member.role.as_str(),
            "expiresAt": invited.expires_at.to_string(),
        });
        writeln!(out, "{answer}")?;
    } else {
        writeln!(out, "{}", invited.url.expose())?;
        writeln!(
            out,
            "good once, until {}; it signs {email} in as {}",
            invited.expires_at,
            member.role,
            email = email.as_str()
        )?;
    }
    Ok(0)
}

async fn remove(broker: &Broker, args: &StaffArgs, out: &mut dyn Write) -> anyhow::Result<u8> {
    let StaffArgs { tenant: id, email, .. } = args;
    let Some(member) = tenant(broker, id)?.member_with(email).cloned() else {
        bail!(
            "`{}` is not staff of `{id}`; `countersign staff list --tenant {id}` shows who is",
            email.as_str()
        );
    };
    let removed = broker.remove_member(id, &member.id, &Precondition::Any, &author()).await;
    removed.map_err(|error| explained(broker, id, email, None, error))?;
    writeln!(out, "`{}` is no longer staff of `{id}`", email.as_str())?;
    Ok(0)
}

async fn list(broker: &Broker, args: &StaffListArgs, out: &mut dyn Write) -> anyhow::Result<u8> {
    let tenant = tenant(broker, &args.tenant)?;
    let book = broker.staff_book(&tenant).await?;
    for Member { id, email, name, role } in &tenant.staff {
        let seen = book.find(id).map(|known| known.last_seen.to_string());
        if args.json {
            let line = serde_json::json!({
                "id": id.as_str(), "email": email.as_str(), "name": name, "role": role.as_str(), "lastSeen": seen,
            });
            writeln!(out, "{line}")?;
        } else {
            let seen = seen.as_deref().unwrap_or("never");
            writeln!(
                out,
                "{:<6} {}  {}  last seen {seen}",
                role.as_str(),
                email.as_str(),
                name.as_deref().unwrap_or("-")
            )?;
        }
    }
    if tenant.staff.is_empty() && !args.json {
        writeln!(
            out,
            "nobody is staff of `{0}` yet: `countersign staff invite --tenant {0} --email …`",
            args.tenant
        )?;
    }
    Ok(0)
}

fn author() -> Actor {
    Actor::Operator(WHO.parse::<ClientId>().expect("it is visible ASCII"))
}

fn tenant(broker: &Broker, id: &TenantId) -> anyhow::Result<Arc<Tenant>> {
    let directory = broker.directory();
    let served = directory.by_id(id).with_context(|| format!("there is no tenant `{id}`"))?;
    Ok(Arc::clone(&served.tenant))
}

/// Why the staff were not changed, with what to do.
fn explained(
    broker: &Broker,
    id: &TenantId,
    email: &StaffEmail,
    role: Option<Role>,
    error: SettingsError,
) -> anyhow::Error {
    let (SettingsError::InFile(_), Some(Home::File(file))) = (&error, broker.home_of(id)) else {
        return match error {
            SettingsError::Refused(remarks) => {
                let words: Vec<_> = remarks.into_iter().map(|remark| remark.message).collect();
                anyhow::anyhow!("{}", words.join("; "))
            }
            error => error.into(),
        };
    };
    let file = Path::new(&file).display().to_string();
    match role {
        Some(role) => anyhow::anyhow!(
            "the staff of `{id}` stand in `{file}`; let these lines stand there, then invite again:\n\n[[staff]]\nemail = \
             \"{}\"\nrole = \"{role}\"\n",
            email.as_str()
        ),
        None => anyhow::anyhow!(
            "the staff of `{id}` stand in `{file}`; take the `[[staff]]` of `{}` out there",
            email.as_str()
        ),
    }
}
