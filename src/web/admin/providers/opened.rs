//! What every page of one provider shares: the provider as it is, its head with the tabs, and what is said of a
//! change that was refused.

use axum::http::StatusCode;
use axum::response::Response;

use crate::domain::ids::ProviderId;
use crate::flow::settings::providers::ProviderState;
use crate::flow::settings::{Home, Precondition, SettingsError};
use crate::web::Web;
use crate::web::page::clean;
use crate::web::staff::{Admin, Frame, OnDuty, Posted, Section};

use super::form::words::{Html, html, sentence};
use super::shown::Badge;

/// The tabs of a provider: the end of their path, and what they are called.
const TABS: [(&str, &str); 7] = [
    ("", "Overview"),
    ("settings", "Settings"),
    ("secrets", "Secrets"),
    ("test", "Test login"),
    ("mapping", "Mapping"),
    ("publish", "Publish"),
    ("versions", "Versions"),
];

/// A provider that an admin looks at.
#[derive(Debug)]
pub struct Opened {
    /// The provider.
    pub state: ProviderState,
    /// Where its settings stand.
    home: Option<Home>,
}

/// The head of its pages.
#[derive(Debug)]
pub struct Head {
    /// What customers read.
    pub label: String,
    /// Its id.
    pub id: String,
    /// The path of its pages.
    pub path: String,
    /// How it stands.
    pub badges: Vec<Badge>,
    /// Its pages.
    pub tabs: Vec<Tab>,
    /// Why nothing can be changed here; none if it can.
    pub fixed: Option<String>,
    /// Its version, for forms.
    pub version: u64,
}

/// One of its pages.
#[derive(Debug)]
pub struct Tab {
    /// Where it is.
    pub path: String,
    /// What it is called.
    pub label: &'static str,
    /// Whether it is this one.
    pub is_here: bool,
}

/// Why a change was not made.
#[derive(Debug)]
pub struct Problem {
    /// The status of the page that says so.
    pub status: StatusCode,
    /// What is said.
    pub text: Html,
    /// More to it, one sentence each.
    pub more: Vec<Html>,
    /// Whether it was refused because everybody would be a new person.
    pub makes_new_people: bool,
}

/// The provider of a path, or the page for one that is not there.
pub async fn open(duty: &OnDuty<Admin>, web: &Web, id: &str) -> Result<Opened, Box<Response>> {
    let id: ProviderId = id.parse().map_err(|_| Box::new(duty.missing()))?;
    let home = web.broker.home_of(&duty.tenant().id);
    match web.broker.provider_state(duty.tenant(), &id).await {
        Ok(state) => Ok(Opened { state, home }),
        Err(error) => Err(Box::new(page_of(duty, &error))),
    }
}

/// The version that a form was made for.
pub fn version_of(posted: &Posted) -> u64 {
    posted.text("version").parse().unwrap_or(0)
}

/// The same as a condition. A form that names none matches nothing.
pub fn condition_of(posted: &Posted) -> Precondition {
    Precondition::Versions(vec![version_of(posted)])
}

/// The badges of a provider.
pub fn badges(state: &ProviderState) -> Vec<Badge> {
    let stored = state.stored.as_ref();
    let mut badges = Vec::new();
    let mut badge = |class, text| badges.push(Badge { class, text });
    if stored.is_none_or(|stored| stored.live.is_some()) {
        badge("good", "Live");
    }
    if let Some(draft) = stored.and_then(|stored| stored.draft.as_ref()) {
        badge("calm", "Draft");
        match &draft.tested {
            Some(_) => badge("good", "Draft tested"),
            None => badge("warn", "Draft not tested"),
        }
    }
    if state.health.as_ref().is_some_and(|health| !health.healthy) {
        badge("bad", "Unhealthy");
    }
    if stored.is_none() {
        badge("calm", "From a file");
    }
    badges
}

impl Opened {
    /// Its id.
    pub fn id(&self) -> &ProviderId {
        &self.state.id
    }

    /// The path of one of its pages.
    pub fn path(&self, page: &str) -> String {
        let mark = if page.is_empty() { "" } else { "/" };
        format!("/admin/providers/{}{mark}{page}", self.state.id)
    }

    /// Its version; 0 if it stands in a file.
    pub fn version(&self) -> u64 {
        self.state.stored.as_ref().map_or(0, |stored| stored.version)
    }

    /// Why nothing can be changed here; none if it can.
    pub fn fixed(&self) -> Option<String> {
        match &self.home {
            Some(Home::File(file)) => Some(format!(
                "This provider stands in the file {file}. It is changed there: these pages show it and can test it."
            )),
            Some(Home::Process) => {
                Some("This provider is fixed for as long as this process runs.".to_owned())
            }
            Some(Home::Store) | None => None,
        }
    }

    /// The frame of one of its pages.
    pub fn frame(&self, duty: &OnDuty<Admin>, page: &str) -> Frame {
        duty.frame(&format!("{page} of {}", clean(&self.state.label)), Section::Providers)
    }

    /// The head of the page `here`.
    pub fn head(&self, here: &str) -> Head {
        let tab = |(page, label): &(&'static str, &'static str)| Tab {
            path: self.path(page),
            label,
            is_here: *page == here,
        };
        Head {
            label: clean(&self.state.label),
            id: self.state.id.to_string(),
            path: self.path(""),
            badges: badges(&self.state),
            tabs: TABS.iter().map(tab).collect(),
            fixed: self.fixed(),
            version: self.version(),
        }
    }
}

impl Problem {
    /// What a refused change says on the page that it was sent from; or a page of its own.
    pub fn of(duty: &OnDuty<Admin>, error: &SettingsError) -> Result<Self, Box<Response>> {
        let problem = |status, text: &str| Self::new(status, text);
        Ok(match error {
            SettingsError::Unknown | SettingsError::Store(_) => return Err(Box::new(page_of(duty, error))),
            SettingsError::InFile(_) | SettingsError::Fixed | SettingsError::Once(_) => {
                problem(StatusCode::CONFLICT, &error.to_string())
            }
            SettingsError::Stale { .. } | SettingsError::Unconditional => problem(
                StatusCode::CONFLICT,
                "somebody changed this provider while you had the page open, so nothing was done. This is how it \
                 stands now: look at it, and do it again if you still want it",
            ),
            SettingsError::Conflict(text) => problem(StatusCode::CONFLICT, &for_pages(text)),
            SettingsError::Refused(remarks) => Self {
                makes_new_people: remarks.iter().any(|remark| remark.makes_new_people),
                more: remarks
                    .iter()
                    .map(|remark| {
                        let help = remark.help.as_deref().map(sentence).unwrap_or_default();
                        html(&for_pages(&format!("{} {help}", sentence(&remark.message))))
                    })
                    .collect(),
                ..problem(
                    StatusCode::UNPROCESSABLE_ENTITY,
                    "nothing was changed, since the settings would be at fault",
                )
            },
        })
    }

    /// Something else that is wrong.
    pub fn new(status: StatusCode, text: &str) -> Self {
        Self { status, text: html(&sentence(text)), more: Vec::new(), makes_new_people: false }
    }
}

/// The status of a page with or without a problem.
pub fn status_of(problem: Option<&Problem>) -> StatusCode {
    problem.map_or(StatusCode::OK, |problem| problem.status)
}

/// What the API's words ask for, in words of the pages.
fn for_pages(text: &str) -> String {
    text.replace(
        "publish it knowingly with `{\"untested\": true}`",
        "tick *Publish without a passed test login*",
    )
    .replace("delete it with `?force=true`", "tick *Delete it all the same*")
    .replace(
        "send `\"confirmSubjectChange\": true` if that is what you want",
        "tick *Everybody becomes a new person*",
    )
    .replace("put one first", "change a setting first")
}

/// The page of an error that has no place on another page.
fn page_of(duty: &OnDuty<Admin>, error: &SettingsError) -> Response {
    match error {
        SettingsError::Store(error) => duty.unavailable(error),
        _ => duty.missing(),
    }
}
