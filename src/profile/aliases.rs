//! How providers name what we know under eight names: the tables of the default normaliser.
//!
//! To widen them: 1. a spelling in [`ALIASES`] (without `_`, `-` and capitals), or an object in
//! [`PERSONS`], [`FACETS`] or [`ENVELOPES`], 2. a payload under `fixtures/profile/payloads/` that needs it.

use std::sync::LazyLock;

use crate::domain::profile::ProfileField;

/// The spellings of each field, the best first. `first_name`, `firstName` and `First-Name` are one.
pub(super) const ALIASES: [(ProfileField, &str); 8] = [
    (
        ProfileField::Email,
        "email mail emailaddress primaryemail defaultemail preferredemail useremail \
         accountemail customeremail contactemail activeemail loginemail personalemail workemail \
         businessemail companyemail primarymail primaryemailaddress useremailaddress \
         customeremailaddress contactemailaddress keyemail emailid emailaddr emailprimary \
         email1 mailaddress loginmail mailprimaryaddress correo correoelectronico courriel \
         emailadresse epost emails emailaddresses mails verifiedprimaryemail",
    ),
    (
        ProfileField::UserName,
        "username preferredusername login loginname screenname handle accountname uname \
         usernick userlogin userprincipalname upn uniquename samaccountname nickname nick \
         battletag gamertag globalkey displaylogin vanity slug user",
    ),
    (
        ProfileField::FullName,
        "fullname name realname displayname globalname formattedname completename personname \
         contactname customername legalname usualname publicname profilename charactername \
         creditname commonname cn formatted full localizedname nombrecompleto nomcomplet \
         nomecompleto nom nombre nome naam names enname",
    ),
    (
        ProfileField::FirstName,
        "firstname givenname givennames forename fname given first localizedfirstname \
         legalfirstname vorname prenom prénom nombres voornaam fornavn fornamn imie namefirst",
    ),
    (
        ProfileField::LastName,
        "lastname familyname surname surnames lname family last sn localizedlastname \
         legallastname nachname familienname nomfamille nomdefamille apellido apellidos cognome \
         sobrenome achternaam etternavn efternavn efternamn nazwisko namelast secondname",
    ),
    (
        ProfileField::UserId,
        "userid sub id uid accountid userguid guid uuid objectid oid openid unionid openuserid \
         encodedid externalid memberid personid customerid profileid identityid contactid \
         playerid characterid membershipid subscriberid oauthuserid userkey userno usersub \
         iduser idstr gid pk phid zuid xid nsid mid payerid principalid loginid orcid \
         orcididentifier resourcename",
    ),
    (
        ProfileField::Phone,
        "phone phonenumber mobile mobilephone mobilenumber mobilephonenumber cellphone cell \
         defaultphone primaryphone primaryphonenumber contactphone phonemobile telmobile \
         mobileno phoneno phone1 telephone telephonenumber tel telefon telefono telefone handy \
         homephone workphone phones phonenumbers businessphones msisdn",
    ),
    (
        ProfileField::Locale,
        "locale preferredlanguage preferredlocale preferredlang userlocale localecode language \
         languagecode languagepreference lang locales sprache langue idioma",
    ),
];

/// Objects that are the person who signed in, and nobody else.
pub(super) const PERSONS: &[&str] = &[
    "user",
    "me",
    "self",
    "viewer",
    "currentuser",
    "authenticateduser",
    "authuser",
    "autheduser",
    "associateduser",
    "loggedinuser",
    "enduser",
    "appuser",
    "userinfo",
    "userdata",
    "identity",
    "member",
    "customer",
    "subscriber",
    "employee",
    "patient",
    "student",
    "athlete",
    "player",
];

/// Objects in which an answer says more of the person whose id stands outside.
pub(super) const FACETS: &[&str] = &[
    "profile",
    "userprofile",
    "extendedprofile",
    "attributes",
    "person",
    "personalinfo",
    "personaldetails",
    "basicinfo",
    "info",
    "details",
    "contact",
    "contactinfo",
    "contactdetails",
    "properties",
    "traits",
    "usermetadata",
    "settings",
    "preferences",
    "login",
    "communication",
];

/// Objects around the person that say nothing of who it is.
pub(super) const ENVELOPES: &[&str] = &[
    "data", "response", "result", "account", "ocs", "body", "payload", "meta", "oauth", "content", "output",
    "object", "entity", "record", "value", "shop", "session",
];

/// Lists, and objects by id, that hold one person.
pub(super) const LISTS: &[&str] = &[
    "data",
    "users",
    "items",
    "results",
    "result",
    "accounts",
    "people",
    "response",
    "values",
    "value",
    "members",
    "records",
    "resources",
    "customers",
    "contacts",
    "profiles",
    "entries",
];

/// Objects of a token response that are the person.
pub(super) const TOKEN_PERSONS: &[&str] =
    &["owner", "ref", "user", "profile", "person", "account", "data", "response", "result"];

/// Further calls whose answers speak of the person, by the name that the tenant gave them.
pub(super) const TELLING_CALLS: &[&str] = &[
    "user", "profile", "me", "person", "userinfo", "details", "account", "contact", "identity", "member",
    "customer",
];

/// Names under which an address may stand where the provider lets people sign in with one.
pub(super) const LOGINS: &[&str] =
    &["login", "username", "preferredusername", "userprincipalname", "upn", "uniquename", "user"];

/// Ids and names that in a token response may be the token's own.
pub(super) const OF_THE_TOKEN: &[&str] =
    &["id", "guid", "uuid", "objectid", "name", "gid", "pk", "displayname", "slug", "handle", "xid"];

/// The longest name of a field that is looked up, in bytes.
const MAX_KEY: usize = 24;

/// A spelling with its field and its rank.
type Spelling = (&'static str, ProfileField, u8);

/// Every spelling, by its length.
static SPELLINGS: LazyLock<[Vec<Spelling>; MAX_KEY + 1]> = LazyLock::new(|| {
    let mut by_length = [const { Vec::new() }; MAX_KEY + 1];
    for (field, spellings) in ALIASES {
        for (rank, spelling) in (0..).zip(spellings.split_whitespace()) {
            by_length[spelling.len()].push((spelling, field, rank));
        }
    }
    for spellings in &mut by_length {
        spellings.sort_unstable_by_key(|(spelling, ..)| *spelling);
    }
    by_length
});

/// A key without case, `_`, `-` and spaces; none if it is longer than any that we know.
pub(super) struct Folded {
    bytes: [u8; MAX_KEY],
    length: usize,
}

impl Folded {
    pub(super) fn of(key: &str) -> Option<Self> {
        let (mut bytes, mut length) = ([0; MAX_KEY], 0);
        for byte in key.bytes().filter(|byte| !matches!(byte, b'_' | b'-' | b' ')) {
            *bytes.get_mut(length)? = byte.to_ascii_lowercase();
            length += 1;
        }
        Some(Self { bytes, length })
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    pub(super) fn is_one_of(&self, names: &[&str]) -> bool {
        names.iter().any(|name| name.as_bytes() == self.as_bytes())
    }

    /// The field that it spells, and how far down its list.
    pub(super) fn alias(&self) -> Option<(ProfileField, u8)> {
        let own = self.as_bytes();
        let spellings = &SPELLINGS[own.len()];
        let place = spellings.binary_search_by(|(spelling, ..)| spelling.as_bytes().cmp(own)).ok()?;
        Some((spellings[place].1, spellings[place].2))
    }

    pub(super) fn spells(&self, field: ProfileField) -> bool {
        self.alias().is_some_and(|(own, _)| own == field)
    }
}

/// Whether a key is one of these names.
pub(super) fn is_one_of(key: &str, names: &[&str]) -> bool {
    Folded::of(key).is_some_and(|folded| folded.is_one_of(names))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_spelling_stands_twice_and_all_are_folded() {
        let spellings: Vec<&str> = SPELLINGS.iter().flatten().map(|(spelling, ..)| *spelling).collect();
        let different: std::collections::HashSet<_> = spellings.iter().collect();
        assert_eq!(different.len(), spellings.len());
        let tables =
            [PERSONS, FACETS, ENVELOPES, LISTS, TOKEN_PERSONS, TELLING_CALLS, LOGINS, OF_THE_TOKEN].concat();
        for spelling in spellings.into_iter().chain(tables) {
            assert_eq!(Folded::of(spelling).unwrap().as_bytes(), spelling.as_bytes());
        }
    }

    #[test]
    fn the_fields_are_in_the_order_of_their_numbers() {
        for (place, (field, _)) in ALIASES.iter().enumerate() {
            assert_eq!(*field as usize, place);
        }
    }

    #[test]
    fn an_object_stands_in_one_table_only() {
        for name in PERSONS {
            assert!(!FACETS.contains(name) && !ENVELOPES.contains(name), "{name}");
        }
        for name in FACETS {
            assert!(!ENVELOPES.contains(name), "{name}");
        }
    }

    #[test]
    fn addresses_that_nobody_confirmed_or_reads_are_no_spelling() {
        for name in
            ["unconfirmed_email", "pendingEmail", "recovery_email", "newEmail", "otherMails", "manager_email"]
        {
            assert!(Folded::of(name).is_none_or(|folded| folded.alias().is_none()), "{name}");
        }
    }
}
