//! The form of a new client: what was typed, and the client that it describes.

use crate::domain::client::{GrantType, Scopes};
use crate::flow::settings::clients::{NewClient, NewProof};
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

    /// The client that was described, whose secret has this hash.
    pub(super) fn client(&self, hash: Option<String>) -> Result<NewClient, Fault> {
        let id = self.id.parse().map_err(|_| {
            ("client_id", "Use 1 to 200 visible characters without accents, e.g. shop-app.".to_owned())
        })?;
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
        Ok(NewClient {
            id,
            name: Some(self.name.clone()).filter(|name| !name.is_empty()),
            proof: hash.map_or(NewProof::None, NewProof::Secret),
            scopes,
            grant_types,
            redirect_uris: if self.is_app() { redirect_uris } else { Vec::new() },
            pkce_optional: self.pkce_optional && self.is_app() && self.keeps_secrets(),
            allow_from: lines(&self.allow_from),
        })
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
        assert_eq!((bot.grant_types, bot.redirect_uris.len()), (vec![GrantType::ClientCredentials], 0));
        let device = typed("device", "com.acme:/cb\nhttp://127.0.0.1/cb").client(None).unwrap();
        assert!(matches!(device.proof, NewProof::None) && !device.pkce_optional);
        assert_eq!((device.redirect_uris.len(), device.scopes.to_string().as_str()), (2, "openid email"));
        assert_eq!(typed("server", " ").client(None).unwrap_err().0, "redirect_uris");
        assert!(typed("server", "https://a.example/").client(Some("h".to_owned())).unwrap().pkce_optional);
        assert_eq!(Typed { id: String::new(), ..typed("bot", "") }.client(None).unwrap_err().0, "client_id");
    }
}
