//! The landing page of a link, and the page that asks once more before a link is declined.

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use jiff::Timestamp;
use url::Url;

use crate::domain::conversation::{Channel, Handle};
use crate::domain::profile::ProfileField;

use super::frame::{Forms, Frame, Visitor, respond};
use super::remaining::until;
use super::text::{Text, Words, clean};

/// What the landing page tells before the customer decides.
#[derive(Debug, Clone, Copy)]
pub struct Landing<'a> {
    /// Where the link was sent.
    pub channel: Channel,
    /// To which address; shown masked.
    pub handle: Option<&'a Handle>,
    /// The provider's label.
    pub provider: &'a str,
    /// Where the browser will go; its host is shown, and a plain `http:` origin (development) is
    /// added to the policy of the form.
    pub authorize_url: &'a Url,
    /// The profile fields that the business may receive, in the words of the profile.
    pub shares: &'a [&'a str],
    /// The link's path, `/a/{token}`: the forms post there and to `…/decline`.
    pub path: &'a str,
    /// What the form that goes on carries behind the path: nothing, or `?` and what the channel's button added.
    pub query: &'a str,
    /// The time now.
    pub now: Timestamp,
    /// When the link can no longer be opened.
    pub expires_at: Timestamp,
    /// Whether a robot reads it, for a preview: it is told neither the chat nor what will be shared.
    pub robot: bool,
    /// Whether *This wasn't me* stands there.
    pub can_decline: bool,
}

/// What the page that asks once more needs.
#[derive(Debug, Clone, Copy)]
pub struct Decline<'a> {
    /// The link's path, `/a/{token}`: the form posts `confirm=yes` to `…/decline`.
    pub path: &'a str,
}

/// What the page needs that leads out of an app's own browser.
#[derive(Debug, Clone, Copy)]
pub struct Elsewhere<'a> {
    /// The provider's label.
    pub provider: &'a str,
    /// A link that opens the page in the phone's own browser, where there is one.
    pub way_out: Option<&'a str>,
    /// The address of the landing page, to be copied.
    pub address: &'a str,
    /// The link's path, `/a/{token}`; `here` in its query shows the landing page all the same.
    pub path: &'a str,
    /// What stands behind the path then, beside `here`: nothing, or `?` and what the channel's button added.
    pub query: &'a str,
}

#[derive(Template)]
#[template(path = "landing.html")]
struct LandingView<'a> {
    frame: Frame,
    path: &'a str,
    query: &'a str,
    robot: bool,
    can_decline: bool,
    heading: String,
    lead: String,
    facts: String,
    chat: String,
    channel: String,
    handle: Option<String>,
    provider: String,
    provider_label: String,
    host: String,
    shares: String,
    shared: Vec<String>,
    expires: String,
    until: String,
    expires_at: String,
    password: String,
    resume: String,
    unasked: String,
    decline: String,
}

#[derive(Template)]
#[template(path = "decline.html")]
struct DeclineView<'a> {
    frame: Frame,
    path: &'a str,
    heading: String,
    lead: String,
    confirm: String,
    back: String,
}

#[derive(Template)]
#[template(path = "elsewhere.html")]
struct ElsewhereView<'a> {
    frame: Frame,
    heading: String,
    lead: String,
    way_out: Option<&'a str>,
    open: String,
    how: String,
    label: String,
    address: &'a str,
    path: &'a str,
    query: &'a str,
    anyway: String,
}

/// The page that a customer sees first inside of an app whose own browser the provider refuses, 200. Showing it changes
/// nothing, and the landing page is one link away: what a browser says of itself may be wrong.
pub fn elsewhere(visitor: &Visitor, elsewhere: &Elsewhere) -> Response {
    let words = visitor.words();
    let heading = words.say(Text::InappHeading);
    let provider = clean(elsewhere.provider);
    let view = ElsewhereView {
        frame: Frame::new(visitor, &words, &heading),
        heading,
        lead: words.with(Text::InappLead, &[("provider", provider.into())]),
        way_out: elsewhere.way_out,
        open: words.say(Text::InappOpen),
        how: words.say(Text::InappHow),
        label: words.say(Text::InappAddress),
        address: elsewhere.address,
        path: elsewhere.path,
        query: elsewhere.query,
        anyway: words.say(Text::InappAnyway),
    };
    respond(StatusCode::OK, &view.frame, &Forms::None, &view)
}

/// The landing page (DESIGN §5.2), 200. Showing it changes nothing.
pub fn landing(visitor: &Visitor, landing: &Landing) -> Response {
    let words = visitor.words();
    let business = visitor.business();
    let named = |text| words.with(text, &[("tenant", business.as_str().into())]);
    let heading = named(Text::LandingHeading);
    let host = host_of(landing.authorize_url);
    let view = LandingView {
        frame: Frame::new(visitor, &words, &heading),
        path: landing.path,
        query: landing.query,
        robot: landing.robot,
        can_decline: landing.can_decline,
        heading,
        lead: named(Text::LandingLead),
        facts: words.say(Text::LandingFacts),
        chat: words.say(Text::LandingChat),
        channel: words.channel(landing.channel),
        handle: landing.handle.map(|handle| clean(&handle.masked())),
        provider: words.say(Text::LandingProvider),
        provider_label: clean(landing.provider),
        shares: named(Text::LandingShares),
        shared: shared(&words, landing.shares),
        expires: words.say(Text::LandingExpires),
        until: until(&words, landing.expires_at, landing.now),
        expires_at: landing.expires_at.to_string(),
        password: words.with(Text::LandingPassword, &[("host", host.as_str().into())]),
        host,
        resume: words.say(Text::LandingContinue),
        unasked: words.say(Text::LandingUnasked),
        decline: words.say(Text::LandingDecline),
    };
    respond(StatusCode::OK, &view.frame, &Forms::Provider(landing.authorize_url), &view)
}

/// The page that a first `POST …/decline` gets, 200: scanners press buttons, so it asks once more.
/// Showing it changes nothing.
pub fn decline(visitor: &Visitor, decline: &Decline) -> Response {
    let words = visitor.words();
    let heading = words.say(Text::DeclineHeading);
    let view = DeclineView {
        frame: Frame::new(visitor, &words, &heading),
        path: decline.path,
        heading,
        lead: words.with(Text::DeclineLead, &[("tenant", visitor.business().into())]),
        confirm: words.say(Text::DeclineConfirm),
        back: words.say(Text::DeclineBack),
    };
    respond(StatusCode::OK, &view.frame, &Forms::Here, &view)
}

/// Host and, where it is not the scheme's own, port. Names of other scripts stay in their ASCII
/// form, so that no letter can pose as another.
fn host_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// What is shared, in the customer's words, each once.
fn shared(words: &Words, fields: &[&str]) -> Vec<String> {
    let mut texts: Vec<Text> = Vec::new();
    for field in fields {
        let text = field_text(field);
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    if texts.is_empty() {
        texts.push(Text::LandingSharesNothing);
    }
    // What has no name of its own is told last.
    texts.sort_by_key(|text| *text == Text::FieldOther);
    texts.into_iter().map(|text| words.say(text)).collect()
}

fn field_text(field: &str) -> Text {
    match ProfileField::named(field) {
        Some(ProfileField::Email) => Text::FieldEmail,
        Some(ProfileField::FullName | ProfileField::FirstName | ProfileField::LastName) => Text::FieldName,
        Some(ProfileField::Phone) => Text::FieldPhone,
        Some(ProfileField::UserName) => Text::FieldUserName,
        Some(ProfileField::UserId) => Text::FieldUserId,
        Some(ProfileField::Locale) => Text::FieldLocale,
        None => Text::FieldOther,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_once_and_unknown_fields_last() {
        let words = Words::of("en");
        let told = shared(&words, &["loyalty", "firstName", "email", "lastName", "tier"]);
        assert_eq!(told, ["Name", "Email", "Further details of your account"]);
        assert_eq!(shared(&words, &[]), ["Only that you signed in"]);
    }

    #[test]
    fn a_host_is_shown_with_an_unusual_port_and_in_ascii() {
        assert_eq!(host_of(&"https://id.acme.example/auth".parse().unwrap()), "id.acme.example");
        assert_eq!(host_of(&"http://127.0.0.1:4711/".parse().unwrap()), "127.0.0.1:4711");
        assert_eq!(host_of(&"https://аcme.example/".parse().unwrap()), "xn--cme-5cd.example");
    }
}
