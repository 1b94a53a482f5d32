//! What an app of the tenant's asks of a customer, and the ways to sign in.

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use url::Url;

use super::emailed::{CodeFault, in_words as in_words_of};
use super::frame::{Forms, Frame, Visitor, respond};
use super::text::{Text, Words, clean};

/// What the page of consent tells before the customer decides.
#[derive(Debug, Clone, Copy)]
pub struct Consent<'a> {
    /// What the app is called.
    pub app: &'a str,
    /// What it asks for: the words of the request.
    pub scopes: &'a [&'a str],
    /// Where the customer may sign in: what the button says to us, and the provider's label.
    pub providers: &'a [(String, &'a str)],
    /// Providers without TLS (development), which the policy of the form must name.
    pub plain_origins: &'a [Url],
    /// Where the app is answered: its host is shown, and the policy of the form names what is not `https`, since the
    /// way there may be one redirect after the other.
    pub redirect_uri: &'a str,
    /// Where the form leads.
    pub path: &'a str,
    /// What it repeats of the request.
    pub fields: &'a [(&'static str, String)],
    /// Where *Cancel* leads: the app is told.
    pub cancel: &'a str,
    /// Whether customers may sign in by an emailed code.
    pub emails: bool,
    /// What was wrong with what was typed.
    pub fault: Option<CodeFault>,
}

#[derive(Template)]
#[template(path = "consent.html")]
struct ConsentView<'a> {
    frame: Frame,
    heading: String,
    lead: String,
    asks: String,
    asked: Vec<String>,
    returns: Option<String>,
    path: &'a str,
    fields: &'a [(&'static str, String)],
    ways: Vec<(&'a str, String)>,
    cancel: &'a str,
    cancel_label: String,
    email: Option<EmailView>,
}

/// The way in by an emailed code.
struct EmailView {
    label: String,
    send: String,
    fault: Option<String>,
}

/// The page of consent, 200. Showing it changes nothing.
pub fn consent(visitor: &Visitor, consent: &Consent) -> Response {
    let words = visitor.words();
    let app = clean(consent.app);
    let named =
        |text| words.with(text, &[("app", app.as_str().into()), ("tenant", visitor.business().into())]);
    let way = |label: &str| words.with(Text::ConsentProvider, &[("provider", clean(label).into())]);
    let host = host_of(consent.redirect_uri);
    let heading = words.with(Text::ConsentHeading, &[("app", app.as_str().into())]);
    let view = ConsentView {
        frame: Frame::new(visitor, &words, &heading),
        heading,
        lead: named(Text::ConsentLead),
        asks: words.with(Text::ConsentAsks, &[("app", app.as_str().into())]),
        asked: consent.scopes.iter().map(|scope| in_words(&words, scope)).collect(),
        returns: host.map(|host| words.with(Text::ConsentReturn, &[("host", host.as_str().into())])),
        path: consent.path,
        fields: consent.fields,
        ways: consent.providers.iter().map(|(value, label)| (value.as_str(), way(label))).collect(),
        cancel: consent.cancel,
        cancel_label: words.say(Text::ConsentCancel),
        email: consent.emails.then(|| EmailView {
            label: words.say(Text::FieldEmail),
            send: words.say(Text::EmailedSend),
            fault: consent.fault.map(|fault| in_words_of(&words, fault)),
        }),
    };
    let origins: Vec<String> = consent
        .plain_origins
        .iter()
        .map(|url| url.origin().ascii_serialization())
        .chain(source_of(consent.redirect_uri))
        .collect();
    respond(StatusCode::OK, &view.frame, &Forms::Several(&origins), &view)
}

fn in_words(words: &Words, scope: &str) -> String {
    match scope {
        "openid" => words.say(Text::ScopeOpenid),
        "profile" => words.say(Text::ScopeProfile),
        "email" => words.say(Text::ScopeEmail),
        "phone" => words.say(Text::ScopePhone),
        "offline_access" => words.say(Text::ScopeOffline),
        "read:profile" => words.say(Text::ScopeReadProfile),
        "write:profile" => words.say(Text::ScopeWriteProfile),
        other => words.with(Text::ScopeOther, &[("scope", clean(other).into())]),
    }
}

/// The host that a customer comes back to; none for an app on the device.
fn host_of(redirect_uri: &str) -> Option<String> {
    let url = Url::parse(redirect_uri).ok().filter(|url| url.scheme() == "https")?;
    let host = url.host_str()?;
    Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
}

/// A redirect URI that is no `https`, as a policy names it (CSP Level 3, 2.3.1).
pub(super) fn source_of(redirect_uri: &str) -> Option<String> {
    let url = Url::parse(redirect_uri).ok()?;
    match url.scheme() {
        "https" => None,
        "http" => Some(url.origin().ascii_serialization()),
        scheme => Some(format!("{scheme}:")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_names_where_an_app_on_the_device_is_answered() {
        assert_eq!(source_of("https://app.example/cb"), None);
        assert_eq!(source_of("http://127.0.0.1:4711/cb").as_deref(), Some("http://127.0.0.1:4711"));
        assert_eq!(source_of("com.example.app:/cb").as_deref(), Some("com.example.app:"));
        assert_eq!(host_of("https://app.example:8443/cb").as_deref(), Some("app.example:8443"));
        assert_eq!(host_of("com.example.app:/cb"), None);
    }

    #[test]
    fn scopes_are_told_in_words() {
        let words = Words::of("en");
        assert_eq!(in_words(&words, "email"), "See your email address");
        assert_eq!(in_words(&words, "write:profile"), "Change your profile and how you sign in");
        assert!(in_words(&words, "read:principals").contains("read:principals"));
    }
}
