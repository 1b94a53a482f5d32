//! The page of a test login, for the tenant's admin: in English, as the API's own words are.

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use url::Url;

use super::frame::{Forms, Frame, Visitor, respond};
use super::notice::Tone;
use super::sentence::sentence;
use super::text::clean;

/// How a test stands, for the person at the browser.
#[derive(Debug, Clone, Copy)]
pub enum TestStands<'a> {
    /// Somebody must sign in.
    Waiting {
        /// Where the sign-in leads.
        authorize_url: &'a Url,
        /// The page's own path.
        path: &'a str,
    },
    /// The sign-in is being carried out.
    Working,
    /// A login works.
    Passed,
    /// A login would fail.
    Failed {
        /// What is wrong.
        cause: &'a str,
        /// How to mend it.
        remedy: &'a str,
    },
}

#[derive(Template)]
#[template(path = "trial.html")]
struct TrialView {
    frame: Frame,
    tone: Tone,
    heading: String,
    lead: String,
    note: Option<String>,
    path: Option<String>,
    report: Option<String>,
}

/// The page of a test at a provider of this label, 200. Showing it changes nothing. `report` is where its report is, for
/// who may see it.
pub fn trial(visitor: &Visitor, provider: &str, stands: TestStands<'_>, report: Option<String>) -> Response {
    let visitor = Visitor { locale: Some("en"), ..*visitor };
    let provider = clean(provider);
    let (tone, heading, lead, note) = match stands {
        TestStands::Waiting { .. } => (
            Tone::Calm,
            format!("Test login at {provider}"),
            "You go to the provider and sign in as a customer would. Nothing is stored in a contact or a conversation."
                .to_owned(),
            Some("What the provider answers is kept for an hour, for those who may see this provider's settings.".to_owned()),
        ),
        TestStands::Working => {
            (Tone::Calm, "The test is running".to_owned(), "Load this page again in a moment.".to_owned(), None)
        }
        TestStands::Passed => (
            Tone::Good,
            "Test passed".to_owned(),
            format!("A login at {provider} works. Go back to see step by step what was sent and what came back."),
            None,
        ),
        TestStands::Failed { cause, remedy } => (
            Tone::Warning,
            "Test failed".to_owned(),
            sentence(cause),
            Some(format!("To mend it: {}", sentence(remedy))),
        ),
    };
    let (path, forms) = match stands {
        TestStands::Waiting { authorize_url, path } => {
            (Some(path.to_owned()), Forms::Provider(authorize_url))
        }
        _ => (None, Forms::None),
    };
    let words = visitor.words();
    let view =
        TrialView { frame: Frame::new(&visitor, &words, &heading), tone, heading, lead, note, path, report };
    respond(StatusCode::OK, &view.frame, &forms, &view)
}
