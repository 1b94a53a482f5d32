//! How everything is called: partitions, keys, set members, and the normal forms of what people
//! are looked up by. Texts that may be personal stand in no key: a keyed hash stands for them.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;

use crate::domain::conversation::phone_digits;
use crate::domain::ids::{ContactId, TenantId};

use super::backend::{Key, Partition};

/// What falls due in a partition. The id beside it is one of ours, or a keyed hash.
///
/// To add a kind: 1. a variant, 2. its word in `as_str`, 3. a line in `ALL`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DueKind {
    /// A link's time is over; the id is the link's.
    LinkExpiry,
    /// The tenant's links and attempts of before an hour have been kept for long enough; the id is empty.
    LinkSweep,
    /// A sign-in that waits for the chat lapses; the id is the authorization request's key.
    RequestLapse,
    /// A conversation stops to be verified; the id is the conversation's key.
    ConversationLapse,
    /// What is left of an erased contact outside of its record; the id is the contact's.
    ContactErasure,
    /// A new event that webhooks are to be told of; the id is the event's. It is due since 1970, so that these come
    /// first, whatever the clocks say; their order is that of the log.
    Telling,
    /// The first of a lane of deliveries is to be tried; the id is the lane's.
    Lane,
    /// The tenant's deliveries of before an hour have been kept for long enough; the id is empty.
    DeliverySweep,
    /// Audit entries wait for a checkpoint; the id is empty.
    AuditSeal,
}

impl DueKind {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::LinkExpiry,
        Self::LinkSweep,
        Self::RequestLapse,
        Self::ConversationLapse,
        Self::ContactErasure,
        Self::Telling,
        Self::Lane,
        Self::DeliverySweep,
        Self::AuditSeal,
    ];

    /// The word in a set member.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LinkExpiry => "link-expiry",
            Self::LinkSweep => "link-sweep",
            Self::RequestLapse => "request-lapse",
            Self::ConversationLapse => "conversation-lapse",
            Self::ContactErasure => "contact-erasure",
            Self::Telling => "telling",
            Self::Lane => "lane",
            Self::DeliverySweep => "delivery-sweep",
            Self::AuditSeal => "audit-seal",
        }
    }

    /// Whether it is the sweep's work, not that of those who deliver or seal.
    pub fn is_swept(self) -> bool {
        !self.is_delivery() && self != Self::AuditSeal
    }

    /// Whether it is the work of those who deliver, not of the sweep.
    pub fn is_delivery(self) -> bool {
        matches!(self, Self::Telling | Self::Lane)
    }
}

/// One entry of a partition's `due` set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// When, to the millisecond.
    pub at: Timestamp,
    /// What.
    pub kind: DueKind,
    /// Whose.
    pub tenant: TenantId,
    /// Which one, as [`DueKind`] says.
    pub id: String,
}

impl Due {
    /// The set member: eight bytes of milliseconds, rounded up so that nothing is met before its time, most
    /// significant first, then `kind:tenant:id`. Bytewise order
    /// is the order of time. A time before 1970 counts as 1970.
    pub fn to_member(&self) -> Vec<u8> {
        let text = format!("{}:{}:{}", self.kind.as_str(), self.tenant, self.id);
        [millis_up(self.at).to_be_bytes().as_slice(), text.as_bytes()].concat()
    }

    /// Reads a set member; none if it is not one, or of a kind that this version does not know.
    pub fn parse(member: &[u8]) -> Option<Self> {
        let (time, text) = member.split_first_chunk::<8>()?;
        let at = Timestamp::from_millisecond(i64::try_from(u64::from_be_bytes(*time)).ok()?).ok()?;
        let mut parts = std::str::from_utf8(text).ok()?.splitn(3, ':');
        let (kind, tenant, id) = (parts.next()?, parts.next()?, parts.next()?);
        let kind = DueKind::ALL.into_iter().find(|known| known.as_str() == kind)?;
        Some(Self { at, kind, tenant: tenant.parse().ok()?, id: id.to_owned() })
    }
}

/// A contact's place in a listing, newest first: eight bytes of milliseconds, inverted, then its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed(Vec<u8>);

impl Listed {
    /// The place of a contact that was made at `created_at`.
    pub fn new(created_at: Timestamp, id: &ContactId) -> Self {
        Self([(!millis(created_at)).to_be_bytes().as_slice(), id.as_str().as_bytes()].concat())
    }

    /// The contact that stands here; none if these are not the bytes of a place.
    pub fn parse(member: &[u8]) -> Option<ContactId> {
        let (_, id) = member.split_first_chunk::<8>()?;
        std::str::from_utf8(id).ok()?.parse().ok()
    }

    /// The place behind which a cursor continues; none if the text is no cursor.
    pub fn parse_cursor(cursor: &str) -> Option<Vec<u8>> {
        let member = URL_SAFE_NO_PAD.decode(cursor).ok()?;
        Self::parse(&member).map(|_| member)
    }

    /// The cursor that continues behind a place.
    pub fn cursor(member: &[u8]) -> String {
        URL_SAFE_NO_PAD.encode(member)
    }

    /// The set member.
    pub fn into_member(self) -> Vec<u8> {
        self.0
    }
}

/// The partition of a tenant: the first byte of the SHA-256 of its name. Fixed for ever, since
/// stored keys hold it.
pub fn partition_of(tenant: &TenantId) -> Partition {
    let digest = digest::digest(&digest::SHA256, tenant.as_str().as_bytes());
    Partition::new(digest.as_ref()[0])
}

/// The one set of a partition that holds what falls due, see [`Due`].
pub fn due_set(partition: Partition) -> Key {
    Key::new(partition, "due")
}

/// The one set of a partition that holds what is not delivered yet: [`Due`]-like, eight bytes of milliseconds since
/// when, then `tenant:delivery`.
pub fn undelivered_set(partition: Partition) -> Key {
    Key::new(partition, "undelivered")
}

/// A tenant's record, set, log or counter of a kind. `name` is one of our ids or a keyed hash; the kinds of a
/// tenant's only set, log or counter have an empty one.
pub fn tenant_key(partition: Partition, tenant: &TenantId, kind: &str, name: &str) -> Key {
    let parts = [tenant.as_str(), kind, name];
    Key::joined(partition, if name.is_empty() { &parts[..2] } else { &parts })
}

/// The set of a partition that holds the names of all tenants that ever stored something in it.
pub fn tenants_set(partition: Partition) -> Key {
    Key::new(partition, "tenants")
}

/// The name within its kind, of a key that [`tenant_key`] made; empty for the only one of a kind.
pub fn name_of(key: &Key) -> &str {
    let text = std::str::from_utf8(key.as_bytes()).expect("a key is made of texts");
    text.splitn(4, ':').nth(3).unwrap_or_default()
}

/// When a member of the set of what falls due is due, in milliseconds; none if it is no such member.
pub(super) fn due_millis(member: &[u8]) -> Option<i64> {
    let (time, _) = member.split_first_chunk::<8>()?;
    i64::try_from(u64::from_be_bytes(*time)).ok()
}

/// The place before everything that is due at `at`, whatever it is.
pub fn due_before(at: Timestamp) -> Vec<u8> {
    millis(at).to_be_bytes().to_vec()
}

/// The form in which email addresses are compared: in any case, without white space around.
pub fn normal_email(email: &str) -> String {
    email.trim().to_lowercase()
}

/// The form in which phone numbers are compared: their digits. A text without digits stays as it is.
pub fn normal_phone(phone: &str) -> String {
    let digits = phone_digits(phone);
    if digits.is_empty() { phone.trim().to_owned() } else { digits }
}

fn millis_up(at: Timestamp) -> u64 {
    millis(at) + u64::from(at.subsec_nanosecond() % 1_000_000 > 0)
}

pub(super) fn millis(at: Timestamp) -> u64 {
    u64::try_from(at.as_millisecond()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tenant(name: &str) -> TenantId {
        name.parse().unwrap()
    }

    fn contact(number: u128) -> ContactId {
        ContactId::from_uuid(uuid::Uuid::from_u128(number))
    }

    #[test]
    fn a_partition_is_the_first_byte_of_the_names_sha_256() {
        // `printf acme | sha256sum` begins with 822b, `printf _platform | sha256sum` with 7583.
        assert_eq!(partition_of(&tenant("acme")).number(), 0x82);
        assert_eq!(partition_of(&TenantId::platform()).number(), 0x75);
    }

    #[test]
    fn the_keys_of_a_tenant_name_it_and_their_kind() {
        let key = |name| tenant_key(Partition::new(0xa7), &tenant("acme"), "contacts", name);
        assert_eq!(key("").as_bytes(), b"{a7}:acme:contacts");
        assert_eq!(key("x").as_bytes(), b"{a7}:acme:contacts:x");
        assert_eq!((name_of(&key("x")), name_of(&key(""))), ("x", ""));
    }

    #[test]
    fn a_newer_contact_stands_before_an_older_one() {
        let place = |millis, id| Listed::new(Timestamp::from_millisecond(millis).unwrap(), &contact(id));
        assert!(place(2_000, 1).into_member() < place(1_000, 2).into_member());
        let member = place(1_000, 2).into_member();
        assert_eq!(Listed::parse(&member), Some(contact(2)));
        assert_eq!(Listed::parse_cursor(&Listed::cursor(&member)), Some(member));
    }

    #[test]
    fn people_are_found_however_their_address_is_written() {
        assert_eq!(normal_email(" Dana@Example.COM "), "dana@example.com");
        assert_eq!(normal_phone("+1 (555) 01-00"), normal_phone("0015550100"));
        assert_ne!(normal_phone("none"), normal_phone("unknown"));
    }

    proptest! {
        #[test]
        fn bytes_that_are_no_due_member_or_cursor_are_no_panic(bytes: Vec<u8>, text: String) {
            if let Some(due) = Due::parse(&bytes) {
                prop_assert_eq!(due.to_member(), bytes.clone());
            }
            Listed::parse(&bytes);
            if let Some(member) = Listed::parse_cursor(&text) {
                prop_assert!(Listed::parse(&member).is_some());
            }
        }

        #[test]
        fn due_members_sort_by_time_and_survive(a in 0_i64..4_000_000_000_000, b in 0_i64..4_000_000_000_000, id in "[a-z:_]{0,9}") {
            let due = |millis, kind| Due {
                at: Timestamp::from_millisecond(millis).unwrap(),
                kind,
                tenant: tenant("acme"),
                id: id.clone(),
            };
            let (first, second) = (due(a, DueKind::LinkSweep), due(b, DueKind::LinkExpiry));
            prop_assert_eq!(Due::parse(&first.to_member()), Some(first.clone()));
            if a != b {
                prop_assert_eq!(a < b, first.to_member() < second.to_member());
            }
        }
    }
}
