//! The frame around every page of staff: navigation, styles, scripts under a nonce, and the headers.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;

use crate::domain::staff::Role;
use crate::web::page::{self, clean};
use crate::web::visit::Visit;

use super::{OnDuty, Said};

/// Where a page stands in the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the pages")]
pub enum Section {
    Console,
    Overview,
    Attempts,
    Providers,
    Binding,
    WebChat,
    Clients,
    Websites,
    Staff,
    Account,
}

impl Section {
    /// Every section, in the order of the navigation.
    const ALL: [Self; 10] = [
        Self::Console,
        Self::Overview,
        Self::Attempts,
        Self::Providers,
        Self::Binding,
        Self::WebChat,
        Self::Clients,
        Self::Websites,
        Self::Staff,
        Self::Account,
    ];

    fn path(self) -> &'static str {
        match self {
            Self::Console => "/console",
            Self::Overview => "/admin",
            Self::Attempts => "/admin/attempts",
            Self::Providers => "/admin/providers",
            Self::Binding => "/admin/binding",
            Self::WebChat => "/admin/webchat",
            Self::Clients => "/admin/clients",
            Self::Websites => "/admin/websites",
            Self::Staff => "/admin/staff",
            Self::Account => "/account",
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Console => "Console",
            Self::Overview => "Overview",
            Self::Attempts => "Attempts",
            Self::Providers => "Providers",
            Self::Binding => "Binding",
            Self::WebChat => "Web chat",
            Self::Clients => "Clients",
            Self::Websites => "Websites",
            Self::Staff => "Staff",
            Self::Account => "Account",
        }
    }

    fn needs(self) -> Role {
        match self {
            Self::Console | Self::Account => Role::Agent,
            _ => Role::Admin,
        }
    }
}

/// An entry of the navigation.
pub struct Place {
    /// Where it leads.
    pub path: &'static str,
    /// What it is called.
    pub label: &'static str,
    /// Whether this page is one of its own.
    pub is_here: bool,
}

/// Everything around the content of a page of staff.
pub struct Frame {
    /// The heading, and the title of the browser's tab.
    pub title: String,
    /// What each script and each element with an `hx-` attribute must carry.
    pub nonce: String,
    /// What each form must carry in its field `csrf`.
    pub csrf: String,
    /// What is said once.
    pub said: Option<&'static str>,
    /// The business.
    pub business: String,
    /// Who is signed in; nobody on the pages before.
    pub member: Option<String>,
    /// The navigation.
    pub places: Vec<Place>,
    /// Where its files are.
    pub assets: &'static page::StaffAssets,
    https: bool,
}

/// Where the forms of a page may lead.
#[derive(Debug, Clone, Copy)]
pub enum Forms<'a> {
    /// To us.
    Here,
    /// To us, and by our redirect to a provider: any https address, and in development the plain origin of this one.
    Provider(Option<&'a url::Url>),
}

impl Frame {
    pub(super) fn new<R>(duty: &OnDuty<R>, title: &str, section: Section) -> Self {
        let role = duty.member.role;
        let place = |at: &Section| Place { path: at.path(), label: at.label(), is_here: *at == section };
        let places = Section::ALL.iter().filter(|at| role.may(at.needs())).map(place).collect();
        Self {
            csrf: duty.form_token.clone(),
            said: duty.said.map(Said::sentence),
            member: Some(clean(duty.member.shown_name())),
            places,
            ..Self::outside(&duty.visit, title)
        }
    }

    /// The frame of a page for who is not signed in.
    pub fn outside(visit: &Visit, title: &str) -> Self {
        Self {
            title: title.to_owned(),
            nonce: visit.nonce(),
            csrf: String::new(),
            said: None,
            business: clean(&visit.tenant.name),
            member: None,
            places: Vec::new(),
            assets: page::staff_assets(),
            https: visit.https,
        }
    }

    fn policy(&self, forms: Forms) -> String {
        let targets = match forms {
            Forms::Here => "'self'".to_owned(),
            Forms::Provider(Some(url)) if url.scheme() == "http" => {
                format!("'self' https: {}", url.origin().ascii_serialization())
            }
            Forms::Provider(_) => "'self' https:".to_owned(),
        };
        format!(
            "default-src 'none'; script-src 'nonce-{}'; style-src 'self'; img-src 'self'; connect-src 'self'; \
             form-action {targets}; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
             trusted-types htmx",
            self.nonce
        )
    }
}

/// The whole answer: the page with every header that it needs.
pub fn respond(status: StatusCode, frame: &Frame, forms: Forms, page: &impl Template) -> Response {
    let body = page.render().expect("a template writes to memory, which does not fail");
    page::dress(status, body, "en", &frame.policy(forms), true, frame.https)
}

/// A part of a page, for htmx, which rewrites its nonce to the page's by the policy that comes with it.
pub fn respond_part(frame: &Frame, part: &impl Template) -> Response {
    respond(StatusCode::OK, frame, Forms::Here, part)
}

#[derive(Template)]
#[template(path = "staff/plain.html")]
struct PlainView {
    frame: Frame,
    lead: String,
}

/// A page that is a heading and a sentence, for who is signed in.
pub(super) fn plain<R>(duty: &OnDuty<R>, status: StatusCode, heading: &str, lead: &str) -> Response {
    let mut frame = Frame::new(duty, heading, Section::Account);
    frame.places.iter_mut().for_each(|place| place.is_here = false);
    let view = PlainView { frame, lead: lead.to_owned() };
    respond(status, &view.frame, Forms::Here, &view)
}

#[derive(Template)]
#[template(path = "staff/outside_plain.html")]
struct OutsideView {
    frame: Frame,
    lead: String,
    action: Option<(&'static str, &'static str)>,
}

/// A page that is a heading, a sentence and perhaps a next step (its path and what it is called), for who is not
/// signed in.
pub fn outside(
    visit: &Visit,
    status: StatusCode,
    (heading, lead): (&str, &str),
    action: Option<(&'static str, &'static str)>,
) -> Response {
    let view = OutsideView { frame: Frame::outside(visit, heading), lead: lead.to_owned(), action };
    respond(status, &view.frame, Forms::Here, &view)
}
