//! The page that takes an emailed code, on the way into an app.

use askama::Template;
use axum::response::Response;
use http::StatusCode;

use super::consent::source_of;
use super::frame::{Forms, Frame, Visitor, respond};
use super::text::{Text, Words, clean};

/// What is wrong with what a customer typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeFault {
    /// It is no address.
    NoAddress,
    /// It is another code.
    Wrong {
        /// How many more may be tried.
        left: u8,
    },
    /// The code is too old or spent; there must be another one.
    Over,
}

/// What the page needs.
#[derive(Debug, Clone, Copy)]
pub struct EmailedCode<'a> {
    /// Where the code was sent, as it was typed.
    pub address: &'a str,
    /// How long it is good.
    pub minutes: i64,
    /// Where the app is answered, for the policy of the form.
    pub redirect_uri: &'a str,
    /// Where the form leads.
    pub path: &'a str,
    /// What it repeats.
    pub fields: &'a [(&'static str, String)],
    /// What was wrong with the last try.
    pub fault: Option<CodeFault>,
}

#[derive(Template)]
#[template(path = "emailed.html")]
struct EmailedView<'a> {
    frame: Frame,
    heading: String,
    lead: String,
    label: String,
    go: String,
    path: &'a str,
    fields: &'a [(&'static str, String)],
    fault: Option<String>,
}

/// The page that takes an emailed code, 200.
pub fn emailed_code(visitor: &Visitor, asked: &EmailedCode) -> Response {
    let words = visitor.words();
    let heading = words.say(Text::EmailedHeading);
    let told = [("address", clean(asked.address).into()), ("minutes", asked.minutes.into())];
    let view = EmailedView {
        frame: Frame::new(visitor, &words, &heading),
        heading,
        lead: words.with(Text::EmailedLead, &told),
        label: words.say(Text::EmailedCode),
        go: words.say(Text::LandingContinue),
        path: asked.path,
        fields: asked.fields,
        fault: asked.fault.map(|fault| in_words(&words, fault)),
    };
    let sources: Vec<String> = source_of(asked.redirect_uri).into_iter().collect();
    respond(StatusCode::OK, &view.frame, &Forms::Several(&sources), &view)
}

pub(super) fn in_words(words: &Words, fault: CodeFault) -> String {
    match fault {
        CodeFault::NoAddress => words.say(Text::EmailedNoAddress),
        CodeFault::Wrong { left } => words.with(Text::EmailedWrong, &[("left", i64::from(left).into())]),
        CodeFault::Over => words.say(Text::EmailedOver),
    }
}
