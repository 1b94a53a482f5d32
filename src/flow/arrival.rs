//! A browser at one of the callback routes, and where it goes from there.

use std::sync::Arc;

use crate::domain::provider::{CallbackNames, CallbackPath, Provider, ResponseMode};
use crate::domain::request::{AuthorizationRequest, Route};
use crate::domain::tenant::Tenant;
use crate::oauth::response::{self, names_of};

use super::app::arrive::AppArrived;
use super::native::Away;
use super::open_link::LoginCookie;
use super::staff::arrive::Entered;

/// A browser at one of the callback routes.
#[derive(Debug)]
pub struct Arrival {
    /// Which route.
    pub route: Route,
    /// The provider that stands in the path, for `callback_path = "named"`.
    pub provider: Option<String>,
    /// Whether the answer came by POST (`form_post`).
    pub posted: bool,
    /// The parameters, in their order.
    pub params: Vec<(String, String)>,
    /// Our login cookies.
    pub cookies: Vec<LoginCookie>,
}

/// A login that came to its end.
#[derive(Debug)]
pub struct Arrived {
    /// The name of its result page.
    pub handle: String,
    /// The login's cookie: the browser must hold it as long as it may reload that page.
    pub keep: Option<LoginCookie>,
    /// Whose page that is.
    pub leads: Leads,
}

/// Where the browser goes from the callback.
#[derive(Debug)]
pub enum Leads {
    /// To the result page of a customer's login.
    Result,
    /// To the page of a test login.
    Trial,
    /// Back into the app that it came from.
    Away(Away),
    /// Nowhere yet: another load of the same callback is at work.
    Working,
    /// A member of the staff goes in, or does not.
    Staff(Box<Entered>),
    /// Back to the customer's app.
    App(Box<AppArrived>),
}

impl Arrival {
    /// What the provider that may have answered calls the parameters of the callback. The settings of the time when
    /// the link was opened are found by the state only, so another set of names must still lead to the same provider.
    pub(super) fn names(&self, tenant: &Tenant) -> CallbackNames {
        let may_be = |provider: &&Arc<Provider>| match self.provider.as_deref() {
            Some(named) => named == provider.id.as_str(),
            None => provider.callback_path == CallbackPath::Bare,
        };
        names_of(
            &self.params,
            tenant.providers.iter().filter(may_be).map(|provider| &provider.callback_names),
        )
    }

    /// How and where the answer came, for the protocol's own checks.
    pub(super) fn at<'a>(
        &'a self,
        provider: &'a Provider,
        redirect_uri: &'a str,
        sent: &'a AuthorizationRequest,
    ) -> response::Arrival<'a> {
        let mode = if self.posted { ResponseMode::FormPost } else { ResponseMode::Query };
        let (issuer, names_issuer) = (sent.issuer.as_deref(), sent.names_issuer);
        response::Arrival { provider, route: self.route, redirect_uri, mode, issuer, names_issuer }
    }

    /// The redirect URI that this arrival is on, byte for byte: of the tenant's origins the one that was `sent`, if
    /// it is any of them, else the present one.
    pub(super) fn redirect_uri(&self, origins: &[String], sent: &str) -> String {
        let path = self.route.path();
        let on = |origin: &String| match &self.provider {
            Some(provider) => format!("{origin}{path}/{provider}"),
            None => format!("{origin}{path}"),
        };
        let mut all = origins.iter().map(on);
        let first = all.next().unwrap_or_default();
        if first == sent { first } else { all.find(|uri| uri == sent).unwrap_or(first) }
    }
}
