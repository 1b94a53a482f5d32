//! `[[staff]]`: who may use the tenant's pages, and as what.

use std::collections::HashMap;

use aws_lc_rs::digest::{SHA256, digest};
use uuid::Uuid;

use crate::config::fault::Report;
use crate::config::node::Node;
use crate::config::shape::{Kind, PLAIN, Table, Words};
use crate::config::words::quoted;
use crate::domain::ids::{StaffId, TenantId};
use crate::domain::staff::{MOST_STAFF, Member, Role, StaffEmail};

use super::shape::{optional, required, text};

/// The table of one of them.
pub static SHAPE: Table = Table {
    doc: "Somebody who may use the pages of this tenant.",
    fields: &[
        required(
            "email",
            text(&PLAIN),
            "The address by which this person signs in: it gets the codes, or a provider vouches for it. Upper and lower \
             case are the same.",
        ),
        required(
            "role",
            Kind::Word(&ROLES),
            "`agent` works in the console, `admin` also sets the tenant up and decides who is staff.",
        ),
        optional("name", text(&PLAIN), "What colleagues call this person."),
    ],
    each: None,
};

static ROLES: Words =
    Words { what: "a role", known: || Role::ALL.iter().map(|role| role.as_str()).collect(), later: &[] };

/// The most characters of a name.
const NAME: usize = 100;

/// Reads every `[[staff]]`; what is wrong goes into the report.
pub fn read(root: &Node<'_>, tenant: &TenantId, report: &mut Report) -> Vec<Member> {
    let nodes = root.tables("staff");
    if let Some(beyond) = nodes.get(MOST_STAFF) {
        let message = format!("a tenant has at most {MOST_STAFF} staff");
        report.fault(beyond.span(), message, "take out those who no longer work here");
    }
    let mut seen = HashMap::new();
    let mut staff = Vec::new();
    for node in nodes {
        let Some(given) = node.text("email") else { continue };
        let Ok(address) = given.value.parse::<StaffEmail>() else {
            let message = format!("{} is no email address", quoted(given.value));
            report.fault(given.span, message, "write it as `dana@acme.example`");
            continue;
        };
        let line = report.source().line_and_column(given.span.start).0;
        if let Some(first) = seen.insert(address.clone(), line) {
            let message = format!("{} stands here twice", quoted(given.value));
            report.fault(given.span, message, format!("line {first} has this person already"));
            continue;
        }
        staff.extend(member(&node, tenant, address, report));
    }
    staff
}

fn member(node: &Node<'_>, tenant: &TenantId, email: StaffEmail, report: &mut Report) -> Option<Member> {
    let name = node.text("name");
    if let Some(name) = &name
        && (name.value.chars().count() > NAME || name.value.chars().any(char::is_control))
    {
        report.fault(
            name.span.clone(),
            "this is no name",
            format!("write at most {NAME} characters in one line"),
        );
    }
    let role = node.text("role")?.value.parse().ok()?;
    let name = name.map(|name| name.value.trim().to_owned());
    Some(Member { id: id_of(tenant, &email), email, name, role })
}

/// The id of whoever has this address: the same in every broker and however often somebody is taken out and put in
/// again, since records and the audit name people by it. It is no secret, and tells the address to nobody who does not
/// know it.
pub fn id_of(tenant: &TenantId, email: &StaffEmail) -> StaffId {
    let text = format!("staff\n{tenant}\n{}", email.as_str());
    let hash = digest(&SHA256, text.as_bytes());
    let half = hash.as_ref()[..16].try_into().expect("a SHA-256 has 32 bytes");
    StaffId::from_uuid(Uuid::from_bytes(half))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_is_one_person_however_it_is_written() {
        let (acme, beta) = ("acme".parse().unwrap(), "beta".parse().unwrap());
        let of = |tenant, email: &str| id_of(tenant, &email.parse().unwrap());
        assert_eq!(of(&acme, "Dana@Acme.example"), of(&acme, " dana@acme.EXAMPLE "));
        assert_ne!(of(&acme, "dana@acme.example"), of(&beta, "dana@acme.example"));
        assert_ne!(of(&acme, "dana@acme.example"), of(&acme, "dan@acme.example"));
    }
}
