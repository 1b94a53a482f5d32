//! Provider presets, data: one `.toml` per provider with its endpoints, its quirks and what it is
//! called in its own console, so that an admin fills in a client id, a secret and perhaps a domain.
//!
//! | file | what it holds |
//! |---|---|
//! | `<id>.toml` | a preset |
//! | `files` | their list, inside the binary |
//! | `vars` | what a preset asks for, and how it is filled in |
//!
//! To add a preset: 1. `<id>.toml` here, from the provider's public documentation: `title`, `group`,
//! `docs` (the page it was taken from), `console` (where the client is made and the redirect URI
//! entered), `notes`, `[vars.<name>]` for what differs per customer of the provider, and
//! `[provider]` with settings of a tenant's `[[provider]]`, where `{name}` stands for a variable;
//! `subject` always, a `mapping` only where the usual formats do not reach, 2. its line in `files`,
//! 3. `fixtures/preset/<id>.json` with answers as the documentation shows them and the profile that
//! they make, 4. `UPDATE_DOCS=1 cargo test --test it docs::`.

mod files;
mod vars;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

pub use vars::{Form, VarFault, Variable};

/// What is known of a provider before a tenant says anything.
#[derive(Debug, Clone)]
pub struct Preset {
    /// What a tenant writes as `preset`.
    pub id: &'static str,
    /// The provider's name for people.
    pub title: String,
    /// Under what it is listed.
    pub group: Group,
    /// The https address of the public documentation that it was taken from.
    pub docs: String,
    /// Where in the provider's console the client is made and the redirect URI entered: one sentence.
    pub console: String,
    /// What an admin must know, one sentence or two each.
    pub notes: Vec<String>,
    /// What must be asked for, by name.
    pub vars: Vec<Variable>,
    /// The settings, with variables in them.
    provider: toml::Table,
}

/// A kind of provider, in the order of the documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Group {
    /// Identity services that a business runs or rents.
    Identity,
    /// Business suites and tools.
    Business,
    /// Shops, payment and marketplaces.
    Commerce,
    /// Social networks and accounts of private people.
    Social,
    /// Messengers.
    Messaging,
    /// Governments and national eIDs.
    Government,
}

impl Group {
    /// Every group, in the order of the documentation.
    pub const ALL: [Self; 6] =
        [Self::Identity, Self::Business, Self::Commerce, Self::Social, Self::Messaging, Self::Government];

    /// What the group is called.
    pub fn title(self) -> &'static str {
        match self {
            Self::Identity => "Identity services",
            Self::Business => "Business suites and tools",
            Self::Commerce => "Shops, payment and marketplaces",
            Self::Social => "Social networks and private accounts",
            Self::Messaging => "Messengers",
            Self::Government => "Governments and national eIDs",
        }
    }
}

/// A preset's file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    title: String,
    group: Group,
    docs: String,
    console: String,
    #[serde(default)]
    notes: Vec<String>,
    #[serde(default)]
    vars: BTreeMap<String, vars::Asked>,
    provider: toml::Table,
}

static ALL: LazyLock<Vec<Preset>> = LazyLock::new(|| {
    let parsed = files::FILES.iter().map(|(id, text)| {
        Preset::parse(id, text)
            .unwrap_or_else(|fault| panic!("the preset `{id}` is built in, and broken: {fault}"))
    });
    parsed.collect()
});

/// Every preset, sorted by id.
pub fn all() -> &'static [Preset] {
    &ALL
}

/// The preset of this id.
pub fn find(id: &str) -> Option<&'static Preset> {
    ALL.binary_search_by(|preset| preset.id.cmp(id)).ok().map(|at| &ALL[at])
}

impl Preset {
    /// The settings as the file has them, with `{name}` for each variable.
    pub fn template(&self) -> &toml::Table {
        &self.provider
    }

    /// The settings of a `[[provider]]` with these values for the variables: what the tenant leaves
    /// out is taken from here. `{name}` is filled in where `name` is a variable of this preset, so
    /// that a value of the token answer in a WhoAmI URL and the braces of a mapping stay.
    ///
    /// All faults come at once: unknown and missing variables, and values that have not the form
    /// that is asked for.
    pub fn settings(&self, values: &BTreeMap<String, String>) -> Result<toml::Table, Vec<VarFault>> {
        let values = vars::check(self.id, &self.vars, values)?;
        Ok(vars::fill_table(&self.provider, &values))
    }

    fn parse(id: &'static str, text: &str) -> Result<Self, toml::de::Error> {
        let File { title, group, docs, console, notes, vars, provider } = toml::from_str(text)?;
        let vars = vars.into_iter().map(|(name, asked)| Variable::named(name, asked)).collect();
        Ok(Self { id, title, group, docs, console, notes, vars, provider })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
        title = "Acme ID"
        group = "identity"
        docs = "https://acme.example/docs"
        console = "Under Apps."
        [vars.domain]
        label = "Domain"
        help = "In the address bar."
        example = "login.acme.example"
        form = "host"
        [vars.realm]
        label = "Realm"
        help = "In the console."
        example = "customers"
        form = "segment"
        default = "main"
        [provider]
        issuer = "https://{domain}/{realm}"
        whoami_url = "https://{domain}/users/{user_id}"
        mapping = '{email: mail, domain: domain}'
        acr_values = ["urn:{realm}"]
        max_age = 60
        [provider.authorize_params]
        realm = "{realm}"
        [[provider.whoami]]
        name = "emails"
        url = "https://{domain}/emails"
    "#;

    fn preset() -> Preset {
        Preset::parse("acme", TEXT).unwrap()
    }

    fn values(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn every_text_gets_its_variables_and_keeps_its_other_braces() {
        let settings = preset().settings(&values(&[("domain", "id.acme.example")])).unwrap();
        let expected: toml::Table = toml::from_str(
            r#"
            issuer = "https://id.acme.example/main"
            whoami_url = "https://id.acme.example/users/{user_id}"
            mapping = '{email: mail, domain: domain}'
            acr_values = ["urn:main"]
            max_age = 60
            authorize_params = { realm = "main" }
            whoami = [{ name = "emails", url = "https://id.acme.example/emails" }]
            "#,
        )
        .unwrap();
        assert_eq!(settings, expected);
    }

    #[test]
    fn all_faults_come_at_once() {
        let faults = preset().settings(&values(&[("realm", "a/b"), ("reaml", "x")])).unwrap_err();
        let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "the preset `acme` asks for `domain` (Domain), e.g. `login.acme.example`",
                "`realm` must be one part of a path: letters, digits, `.`, `_`, `~` and `-`",
                "the preset `acme` has no variable `reaml`; it asks for `domain`, `realm`",
            ]
        );
        assert_eq!(faults.iter().map(VarFault::name).collect::<Vec<_>>(), ["domain", "realm", "reaml"]);
    }

    #[test]
    fn a_file_with_a_member_that_nobody_knows_is_refused() {
        for line in ["colour = 1\n", "logo = \"x\"\n"] {
            assert!(Preset::parse("acme", &format!("{line}{TEXT}")).is_err());
        }
        assert!(Preset::parse("acme", &TEXT.replace("form = \"host\"", "form = \"url\"")).is_err());
        assert!(Preset::parse("acme", &TEXT.replace("\"identity\"", "\"others\"")).is_err());
    }

    #[test]
    fn presets_are_found_by_their_ids() {
        assert!(all().windows(2).all(|pair| pair[0].id < pair[1].id));
        assert!(all().iter().all(|preset| find(preset.id).is_some_and(|found| found.id == preset.id)));
        assert!(find("google").is_some() && find("Google").is_none() && find("").is_none());
    }
}
