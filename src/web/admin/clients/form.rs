//! The form of a client: what was typed, the client that it describes, and where on it a fault belongs.

use crate::domain::client::{Client, GrantType, Scopes};
use crate::flow::settings::SettingsError;
use crate::flow::settings::clients::{NewClient, NewProof, Terms};
use crate::web::staff::Posted;

/// What was typed into the form.
#[derive(Default)]
pub(super) struct Typed {
    pub(super) id: String,
    pub(super) name: String,
    /// `bot`, `server` or `device`.
    pub(super) kind: String,
    pub(super) scopes: String,
    pub(super) redirect_uris: String,
    pub(super) allow_from: String,
    pub(super) pkce_optional: bool,
    /// Public keys, of a client that has some in place of a secret.
    pub(super) jwks: String,
}

/// Which of the fields there are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shows {
    /// Those of an app.
    pub(super) app: bool,
    /// The public keys.
    pub(super) keys: bool,
    pub(super) keys_hint: &'static str,
}

impl Shows {
    /// Those of a new client.
    pub(super) const ALL: Self = Self {
        app: true,
        keys: true,
        keys_hint: "May be left out: then it gets a secret. A bot or an app on a server that signs with a key of its own \
                    (private_key_jwt) gives its public keys here, a JWK set. Example: {\"keys\": [{\"kty\": \"EC\", …}]}",
    };

    /// Those of a client that is there.
    pub(super) fn of(client: &Client) -> Self {
        Self {
            app: client.may(GrantType::AuthorizationCode),
            keys: client.keys.is_some(),
            keys_hint: "Left blank, the present ones stay. Otherwise a JWK set that takes their place at once: while keys are \
                        changed over it holds the old and the new one.",
        }
    }
}

/// A field, and what is wrong with what was typed there.
pub(super) type Fault = (&'static str, String);

impl Typed {
    pub(super) fn of(form: &Posted) -> Self {
        let text = |name| form.text(name).to_owned();
        Self {
            id: text("client_id"),
            name: text("name"),
            kind: text("kind"),
            scopes: text("scopes"),
            redirect_uris: text("redirect_uris"),
            allow_from: text("allow_from"),
            pkce_optional: form.has("pkce_optional"),
            jwks: text("jwks"),
        }
    }

    /// What the form of a client that is there begins with.
    pub(super) fn of_client(client: &Client) -> Self {
        let lines = |items: Vec<String>| items.join("\n");
        let kind = match (client.may(GrantType::AuthorizationCode), client.is_public()) {
            (false, _) => "bot",
            (true, false) => "server",
            (true, true) => "device",
        };
        Self {
            id: client.client_id.to_string(),
            name: client.name.clone().unwrap_or_default(),
            kind: kind.to_owned(),
            scopes: client.scopes.to_string(),
            redirect_uris: lines(client.redirect_uris.iter().map(|uri| uri.as_str().to_owned()).collect()),
            allow_from: lines(client.allow_from.iter().map(ToString::to_string).collect()),
            pkce_optional: client.pkce_optional,
            // What stands there stays, unless others are typed.
            jwks: String::new(),
        }
    }

    /// Whether customers sign in to it.
    pub(super) fn is_app(&self) -> bool {
        self.kind != "bot"
    }

    /// Whether it can keep a secret.
    pub(super) fn keeps_secrets(&self) -> bool {
        self.kind != "device"
    }

    /// Whether it proves itself by a key of its own.
    pub(super) fn has_keys(&self) -> bool {
        self.keeps_secrets() && !self.jwks.is_empty()
    }

    /// The client that was described; a secret that it has is of this hash.
    pub(super) fn client(&self, hash: Option<String>) -> Result<NewClient, Fault> {
        let id = self.id.parse().map_err(|_| {
            ("client_id", "Use 1 to 200 visible characters without accents, e.g. shop-app.".to_owned())
        })?;
        let proof = match (self.has_keys(), hash) {
            (true, _) => NewProof::Keys(self.jwks.clone()),
            (false, Some(hash)) => NewProof::Secret(hash),
            (false, None) => NewProof::None,
        };
        Ok(NewClient { id, proof, terms: self.terms()? })
    }

    /// What the client may do.
    pub(super) fn terms(&self) -> Result<Terms, Fault> {
        let scopes = self.scopes.split_whitespace().collect::<Vec<_>>().join(" ");
        let scopes =
            Scopes::parse(&scopes).map_err(|error| ("scopes", super::sentence(&error.to_string())))?;
        let redirect_uris = lines(&self.redirect_uris);
        if self.is_app() && redirect_uris.is_empty() {
            return Err((
                "redirect_uris",
                "An app needs an address where its customers come back to.".to_owned(),
            ));
        }
        let grant_types = if self.is_app() {
            vec![GrantType::AuthorizationCode, GrantType::RefreshToken]
        } else {
            vec![GrantType::ClientCredentials]
        };
        Ok(Terms {
            name: Some(self.name.clone()).filter(|name| !name.is_empty()),
            scopes,
            grant_types,
            redirect_uris: if self.is_app() { redirect_uris } else { Vec::new() },
            pkce_optional: self.pkce_optional && self.is_app() && self.keeps_secrets(),
            allow_from: lines(&self.allow_from),
        })
    }
}

/// The field in which something cannot be used; none if that is no single one.
pub(super) fn field_of(error: &SettingsError) -> &'static str {
    let SettingsError::Refused(remarks) = error else { return "" };
    let pointer = remarks.first().map_or("", |remark| remark.pointer.as_str());
    match pointer.split('/').nth(1).unwrap_or_default() {
        "clientId" => "client_id",
        "name" => "name",
        "scopes" => "scopes",
        "redirectUris" => "redirect_uris",
        "allowFrom" => "allow_from",
        "jwks" => "jwks",
        "pkce" => "pkce_optional",
        _ => "",
    }
}

fn lines(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(kind: &str, uris: &str) -> Typed {
        Typed {
            id: "shop".to_owned(),
            kind: kind.to_owned(),
            redirect_uris: uris.to_owned(),
            scopes: "openid  email".to_owned(),
            pkce_optional: true,
            ..Typed::default()
        }
    }

    #[test]
    fn what_is_typed_becomes_the_client_of_its_kind() {
        let bot = typed("bot", "https://left.over/").client(Some("h".to_owned())).unwrap();
        assert_eq!(
            (bot.terms.grant_types, bot.terms.redirect_uris.len()),
            (vec![GrantType::ClientCredentials], 0)
        );
        let device = typed("device", "com.acme:/cb\nhttp://127.0.0.1/cb").client(None).unwrap();
        assert!(matches!(device.proof, NewProof::None) && !device.terms.pkce_optional);
        assert_eq!(
            (device.terms.redirect_uris.len(), device.terms.scopes.to_string().as_str()),
            (2, "openid email")
        );
        let keyed =
            |kind| Typed { jwks: "{}".to_owned(), ..typed(kind, "https://a.example/") }.client(None).unwrap();
        assert!(
            matches!(keyed("bot").proof, NewProof::Keys(_))
                && matches!(keyed("device").proof, NewProof::None)
        );
        assert_eq!(typed("server", " ").client(None).unwrap_err().0, "redirect_uris");
        assert!(
            typed("server", "https://a.example/").client(Some("h".to_owned())).unwrap().terms.pkce_optional
        );
        assert_eq!(Typed { id: String::new(), ..typed("bot", "") }.client(None).unwrap_err().0, "client_id");
    }
}
