//! A browser that staff signed in with: begun, found again by its cookie, and ended.

use crate::domain::actor::Actor;
use crate::domain::audit::AuditAction;
use crate::domain::ids::{SessionId, StaffId};
use crate::domain::staff::{Member, SEEN_EXACTNESS, SignedInBy, StaffBook, StaffSession};
use crate::domain::tenant::Tenant;
use crate::flow::{Broker, RACES};
use crate::secret::Secret;
use crate::store::{Durability, StoreError, Stored, Tx};

/// The purpose of the hash of a cookie's secret.
const SECRET: &str = "staff-session";
/// The purpose of the hash that forms carry.
const FORM: &str = "staff-form";

/// What is known of a browser that signs in.
#[derive(Debug, Clone)]
pub struct Browser {
    /// What it calls itself, in short.
    pub device: String,
    /// How dates and numbers are written: a BCP 47 tag.
    pub locale: String,
    /// The IANA name of its time zone.
    pub zone: String,
}

/// A browser that was let in.
#[derive(Debug)]
pub struct Begun {
    /// What is kept of it.
    pub session: StaffSession,
    /// The value of its cookie.
    pub cookie: Secret,
}

/// A member of staff at our pages.
#[derive(Debug, Clone)]
pub struct AtWork {
    /// The browser.
    pub session: StaffSession,
    /// The member, as the settings say now.
    pub member: Member,
    /// What the member's forms must carry.
    pub form_token: String,
}

impl Broker {
    /// Lets a browser in as a member of staff; the caller has proved that it is that person's.
    pub async fn begin_session(
        &self,
        tenant: &Tenant,
        member: &Member,
        how: SignedInBy,
        browser: &Browser,
    ) -> Result<Begun, StoreError> {
        let store = self.store.at(&tenant.id);
        let (id, secret) = (SessionId::from_uuid(self.clock.fresh_uuid()), self.clock.fresh_token());
        for _ in 0..RACES {
            let now = self.clock.now();
            let stored = store.staff().await?;
            let mut book = stored.as_deref().cloned().unwrap_or_default();
            let known = book.enter(&member.id, now);
            known.last_seen = now;
            let session = StaffSession {
                id: id.clone(),
                staff: member.id.clone(),
                how: how.clone(),
                secret_hash: store.hash(SECRET, secret.expose()),
                device: browser.device.clone(),
                locale: known.locale.clone().unwrap_or_else(|| browser.locale.clone()),
                zone: known.zone.clone().unwrap_or_else(|| browser.zone.clone()),
                created_at: now,
                seen_at: now,
            };
            let mut tx = Tx::new();
            tx.put_staff(stored.as_ref(), &book);
            tx.create_session(&session);
            self.audit_signed_in(&mut tx, &session);
            match store.commit(tx, Durability::Durable).await {
                Err(StoreError::Conflict) => {}
                done => {
                    let cookie = Secret::new(format!("{id}.{}", secret.expose()));
                    return done.map(|()| Begun { session, cookie });
                }
            }
        }
        Err(StoreError::Conflict)
    }

    /// The member of staff whose browser holds this cookie; none if it is over, or the settings no longer know the
    /// member. Being seen is written down now and then.
    pub async fn at_work(&self, tenant: &Tenant, cookie: &str) -> Result<Option<AtWork>, StoreError> {
        let Some(stored) = self.session_of(tenant, cookie).await? else { return Ok(None) };
        let Some(member) = tenant.member(&stored.staff).cloned() else { return Ok(None) };
        let session = self.seen(tenant, stored).await?;
        let form_token = self.store.at(&tenant.id).hash(FORM, cookie);
        Ok(Some(AtWork { session, member, form_token }))
    }

    /// The same for a page that asks by itself: its member may have left the desk, and is not seen by that.
    pub async fn page_at_work(&self, tenant: &Tenant, cookie: &str) -> Result<Option<AtWork>, StoreError> {
        let Some(stored) = self.session_of(tenant, cookie).await? else { return Ok(None) };
        let Some(member) = tenant.member(&stored.staff).cloned() else { return Ok(None) };
        let form_token = self.store.at(&tenant.id).hash(FORM, cookie);
        Ok(Some(AtWork { session: stored.into_value(), member, form_token }))
    }

    /// Whether a form was made for the browser with this cookie.
    pub fn is_own_form(&self, tenant: &Tenant, cookie: &str, form_token: &str) -> bool {
        self.store.at(&tenant.id).is_hash(FORM, cookie, form_token)
    }

    /// What is known of the tenant's staff.
    pub async fn staff_book(&self, tenant: &Tenant) -> Result<StaffBook, StoreError> {
        Ok(self.store.at(&tenant.id).staff().await?.map(Stored::into_value).unwrap_or_default())
    }

    /// The browsers of a member that are let in now, oldest first. Those that are gone are forgotten.
    pub async fn sessions_of(
        &self,
        tenant: &Tenant,
        staff: &StaffId,
    ) -> Result<Vec<StaffSession>, StoreError> {
        let (store, now) = (self.store.at(&tenant.id), self.clock.now());
        let (there, gone) = store.sessions_of(staff).await?;
        if !gone.is_empty() {
            let mut tx = Tx::new();
            for id in &gone {
                tx.forget_session(staff, id);
            }
            store.commit(tx, Durability::Relaxed).await?;
        }
        Ok(there.into_iter().map(Stored::into_value).filter(|session| session.is_live(now)).collect())
    }

    /// Signs a browser out, by itself or by another. Answers whether it was in.
    pub async fn end_session(&self, tenant: &Tenant, id: &SessionId, by: &Actor) -> Result<bool, StoreError> {
        let store = self.store.at(&tenant.id);
        let Some(stored) = store.session(id).await? else { return Ok(false) };
        let mut tx = Tx::new();
        tx.delete_session(&stored);
        let mut entry = self.entry(&by.to_string(), AuditAction::StaffSignedOut, stored.staff.to_string());
        entry.ids = vec![id.to_string()];
        tx.audit(entry);
        store.commit(tx, Durability::Durable).await?;
        Ok(stored.is_live(self.clock.now()))
    }

    async fn session_of(
        &self,
        tenant: &Tenant,
        cookie: &str,
    ) -> Result<Option<Stored<StaffSession>>, StoreError> {
        let parsed = cookie.split_once('.').and_then(|(id, secret)| Some((id.parse().ok()?, secret)));
        let Some((id, secret)) = parsed else { return Ok(None) };
        let store = self.store.at(&tenant.id);
        let stored = store.session(&id).await?;
        let now = self.clock.now();
        Ok(stored.filter(|stored| store.is_hash(SECRET, secret, &stored.secret_hash) && stored.is_live(now)))
    }

    /// The browser as it is seen now. Two requests that write it at the same time agree well enough.
    async fn seen(&self, tenant: &Tenant, stored: Stored<StaffSession>) -> Result<StaffSession, StoreError> {
        let now = self.clock.now();
        if now.duration_since(stored.seen_at) < SEEN_EXACTNESS {
            return Ok(stored.into_value());
        }
        let session = StaffSession { seen_at: now, ..stored.value.clone() };
        let mut tx = Tx::new();
        tx.update_session(&stored, &session);
        match self.store.at(&tenant.id).commit(tx, Durability::Relaxed).await {
            Ok(()) | Err(StoreError::Conflict) => Ok(session),
            Err(error) => Err(error),
        }
    }

    fn audit_signed_in(&self, tx: &mut Tx, session: &StaffSession) {
        let by = match &session.how {
            SignedInBy::Provider(id) => format!("provider {id}"),
            SignedInBy::Code => "code".to_owned(),
            SignedInBy::Invite => "invite".to_owned(),
            SignedInBy::Demo => "demo".to_owned(),
        };
        let actor = Actor::Staff(session.staff.clone()).to_string();
        let mut entry = self.entry(&actor, AuditAction::StaffSignedIn, session.staff.to_string());
        entry.detail = Some(by);
        entry.ids = vec![session.id.to_string()];
        tx.audit(entry);
    }
}
