//! A stored tenant's staff: who may use its pages, and as what. Whoever is taken out, or may do less than before, feels
//! it with the next request, since each request asks the tenant's settings.

use serde_json::{Value, json};

use crate::domain::actor::Actor;
use crate::domain::audit::AuditAction;
use crate::domain::ids::{StaffId, TenantId};
use crate::domain::staff::{Member, Role, StaffEmail};
use crate::domain::tenant::Tenant;

use super::super::Broker;
use super::super::once::{MadeHere, Once};
use super::change::{Changing, Made};
use super::own::{list_of, there};
use super::{Precondition, SettingsError};

/// The list in the tree of settings.
const LIST: &str = "staff";

/// Somebody who is to become staff.
#[derive(Debug, Clone)]
pub struct NewMember {
    /// The address.
    pub email: String,
    /// What they may do.
    pub role: Role,
    /// What colleagues call them.
    pub name: Option<String>,
}

/// What changes of a member.
#[derive(Debug, Clone, Default)]
pub struct MemberChange {
    /// Another role.
    pub role: Option<Role>,
    /// What becomes of the name.
    pub name: Rename,
}

/// What becomes of a name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Rename {
    /// It stays.
    #[default]
    Not,
    /// It goes.
    Away,
    /// It is this from now on.
    To(String),
}

impl Rename {
    /// To what was typed, where nothing typed means no name.
    pub fn typed(text: &str) -> Self {
        if text.trim().is_empty() { Self::Away } else { Self::To(text.trim().to_owned()) }
    }
}

impl Broker {
    /// Makes somebody staff who is not.
    pub async fn add_member(
        &self,
        tenant: &TenantId,
        new: &NewMember,
        author: &Actor,
    ) -> Result<Member, SettingsError> {
        let change = |changing: &mut Changing| self.add_member_in(changing, new);
        Ok(self.change(tenant, author, change).await?.0)
    }

    /// The same by an order that may be sent again.
    pub async fn add_member_once(
        &self,
        tenant: &TenantId,
        new: &NewMember,
        author: &Actor,
        once: Option<&Once>,
    ) -> Result<MadeHere<StaffId>, SettingsError> {
        let change = |changing: &mut Changing| {
            let Made { value, action, object, detail, told } = self.add_member_in(changing, new)?;
            Ok(Made { value: value.id, action, object, detail, told })
        };
        self.change_once(tenant, author, once, change).await
    }

    fn add_member_in(&self, changing: &mut Changing, new: &NewMember) -> Result<Made<Member>, SettingsError> {
        let Ok(address) = new.email.parse::<StaffEmail>() else {
            return Err(SettingsError::refused(
                "/email",
                "this is no email address",
                "write it as `dana@acme.example`",
            ));
        };
        there(changing, &Precondition::Any)?;
        let mut list = list_of(&changing.tenant.document, LIST);
        if place_of_address(&list, &address).is_some() {
            let text = "somebody with this address is staff already; change their role instead";
            return Err(SettingsError::Conflict(text.to_owned()));
        }
        list.push(tree_of(&address, new.role, new.name.as_deref()));
        let member = self.put_staff(changing, list, &address)?;
        Ok(Made::new(member.clone(), AuditAction::StaffAdded, &member.id)
            .saying(new.role.as_str().to_owned()))
    }

    /// Changes what somebody may do, or is called. The last admin stays one.
    pub async fn change_member(
        &self,
        tenant: &TenantId,
        id: &StaffId,
        what: &MemberChange,
        condition: &Precondition,
        author: &Actor,
    ) -> Result<Member, SettingsError> {
        let change = |changing: &mut Changing| {
            there(changing, condition)?;
            let known = self.known_staff(changing)?;
            let member = known.iter().find(|member| member.id == *id).ok_or(SettingsError::Unknown)?;
            let role = what.role.unwrap_or(member.role);
            if !role.may(Role::Admin) {
                not_the_last_admin(&known, id)?;
            }
            let name = match &what.name {
                Rename::Not => member.name.clone(),
                Rename::Away => None,
                Rename::To(name) => Some(name.clone()),
            };
            let mut list = list_of(&changing.tenant.document, LIST);
            let place = place_of_address(&list, &member.email).ok_or(SettingsError::Unknown)?;
            list[place] = tree_of(&member.email, role, name.as_deref());
            let (address, before) = (member.email.clone(), member.role);
            let member = self.put_staff(changing, list, &address)?;
            let detail = (role != before).then(|| format!("{} to {}", before.as_str(), role.as_str()));
            Ok(Made::new(member.clone(), AuditAction::StaffChanged, &member.id).saying(detail))
        };
        Ok(self.change(tenant, author, change).await?.0)
    }

    /// Takes somebody out. The last admin stays.
    pub async fn remove_member(
        &self,
        tenant: &TenantId,
        id: &StaffId,
        condition: &Precondition,
        author: &Actor,
    ) -> Result<(), SettingsError> {
        let change = |changing: &mut Changing| {
            there(changing, condition)?;
            let known = self.known_staff(changing)?;
            let member = known.iter().find(|member| member.id == *id).ok_or(SettingsError::Unknown)?;
            not_the_last_admin(&known, id)?;
            let mut list = list_of(&changing.tenant.document, LIST);
            let place = place_of_address(&list, &member.email).ok_or(SettingsError::Unknown)?;
            list.remove(place);
            self.put_list(changing, LIST, list);
            self.read_whole(changing)?;
            Ok(Made::new((), AuditAction::StaffRemoved, id))
        };
        self.change(tenant, author, change).await?;
        self.forget_member(tenant, id).await?;
        Ok(())
    }

    /// The staff of a tenant, and the version that a change demands, both of one record; no version where the settings
    /// are changed elsewhere.
    pub async fn staff_of(&self, tenant: &Tenant) -> Result<(Vec<Member>, Option<u64>), SettingsError> {
        if self.writable(&tenant.id).is_ok()
            && let Some(stored) = self.stored_tenant(&tenant.id).await?
        {
            let read = self.format().read(&stored.id, &stored.document, &stored.live(), &stored.secrets);
            let reading = read.map_err(SettingsError::Refused)?;
            return Ok((reading.tenant.staff, Some(stored.document_version)));
        }
        Ok((tenant.staff.clone(), None))
    }

    /// Who is staff before the change.
    fn known_staff(&self, changing: &mut Changing) -> Result<Vec<Member>, SettingsError> {
        self.read_whole(changing)?;
        Ok(changing.reading.as_ref().map(|reading| reading.tenant.staff.clone()).unwrap_or_default())
    }

    fn put_staff(
        &self,
        changing: &mut Changing,
        list: Vec<Value>,
        address: &StaffEmail,
    ) -> Result<Member, SettingsError> {
        let place = place_of_address(&list, address).unwrap_or_default();
        self.put_list(changing, LIST, list);
        self.read_below(changing, &format!("/staff/{place}"), |tenant| tenant.member_with(address).cloned())
    }
}

/// Fails if nobody could set the tenant up without this one.
fn not_the_last_admin(staff: &[Member], id: &StaffId) -> Result<(), SettingsError> {
    let (mut own, mut others) = (false, false);
    for member in staff.iter().filter(|member| member.role.may(Role::Admin)) {
        if member.id == *id { own = true } else { others = true }
    }
    if own && !others {
        let text = "this is the last admin; make somebody else one first";
        return Err(SettingsError::Conflict(text.to_owned()));
    }
    Ok(())
}

fn tree_of(email: &StaffEmail, role: Role, name: Option<&str>) -> Value {
    let mut tree = json!({"email": email.as_str(), "role": role.as_str()});
    if let Some(name) = name.map(str::trim).filter(|name| !name.is_empty()) {
        tree["name"] = json!(name);
    }
    tree
}

fn place_of_address(list: &[Value], address: &StaffEmail) -> Option<usize> {
    let email = |item: &Value| item.get("email")?.as_str()?.parse::<StaffEmail>().ok();
    list.iter().position(|item| email(item).as_ref() == Some(address))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(number: u128, role: Role) -> Member {
        let id = StaffId::from_uuid(uuid::Uuid::from_u128(number));
        Member { id, email: format!("m{number}@acme.example").parse().unwrap(), name: None, role }
    }

    #[test]
    fn the_last_admin_stays_and_one_of_two_may_go() {
        let (dana, amy, otto) = (member(1, Role::Admin), member(2, Role::Agent), member(3, Role::Admin));
        assert!(not_the_last_admin(&[dana.clone(), amy.clone()], &dana.id).is_err());
        assert!(not_the_last_admin(&[dana.clone(), amy.clone()], &amy.id).is_ok());
        assert!(not_the_last_admin(&[dana.clone(), amy, otto], &dana.id).is_ok());
    }

    #[test]
    fn an_address_is_found_however_it_is_written() {
        let list = [json!({"email": "Dana@Acme.example", "role": "admin"}), json!({"role": "agent"})];
        let place = |address: &str| place_of_address(&list, &address.parse().unwrap());
        assert_eq!((place("dana@acme.EXAMPLE"), place("amy@acme.example")), (Some(0), None));
    }
}
