//! The provider's sign-in page, loaded as a browser would: does it take our request?

use std::collections::BTreeMap;

use url::Url;

use crate::domain::request::Route;
use crate::domain::trial::{Proposal, Stage, StageOutcome, StageReport};
use crate::egress::error::EgressError;
use crate::egress::reach::Page;
use crate::oauth::complaint::{Complaint, visible};
use crate::oauth::server::Server;
use crate::oauth::wire::{Method, OutboundRequest};
use crate::secret::Secret;

use super::reach::{host_of, unmet};
use super::sample::{Sample, own_routes};
use super::{Probe, Target};

/// How often the page may lead on within the provider's own hosts.
const HOPS: usize = 5;

impl Probe {
    /// The step `authorize`, with settings that would mend it.
    pub async fn authorize(&self, target: &Target<'_>, server: &Server) -> (StageReport, Vec<Proposal>) {
        let (looked, ms) = self.timed(self.look_at_pages(target, server)).await;
        let (report, proposals) = match looked {
            Ok(report) => (report, Vec::new()),
            Err(refused) => *refused,
        };
        (report.taking(ms), proposals)
    }

    /// The page for everybody, and that for whoever comes from an account of the tenant's at a channel. What is refused
    /// to the latter only is no reason to refuse all others.
    async fn look_at_pages(&self, target: &Target<'_>, server: &Server) -> Result<StageReport, Box<Refused>> {
        let report = self.look_at_page(target, server, Route::EndUser).await?;
        for route in own_routes(target.tenant) {
            let looked = self.look_at_page(target, server, route).await;
            let Err(refused) = looked else { continue };
            let mut warning = refused.0;
            warning.outcome = StageOutcome::Warning;
            return Ok(warning);
        }
        Ok(report)
    }

    async fn look_at_page(
        &self,
        target: &Target<'_>,
        server: &Server,
        route: Route,
    ) -> Result<StageReport, Box<Refused>> {
        let sample = self.sample(target, server, route).await?;
        let mut cookies: BTreeMap<(String, String), String> = BTreeMap::new();
        let mut url = sample.url.clone();
        for hop in 0..HOPS {
            let request = browser_request(&url, &cookies);
            let loaded = self.client.load(&target.tenant.id, &request, target.deadline).await;
            let page = loaded.map_err(|error| Box::new((unloaded(&url, &error), Vec::new())))?;
            let judged = judge(target, server, &sample, &url, &page, hop)?;
            let mut report = match judged {
                Judged::On(next) => {
                    let at = host_of(&url);
                    cookies.extend(page.cookies.into_iter().map(|(name, value)| ((at.clone(), name), value)));
                    url = next;
                    continue;
                }
                Judged::Done(report) => *report,
            };
            report.sent = Some(sample.shown.request(&browser_request(&sample.url, &BTreeMap::new())));
            return Ok(beside(report, sample.unpushed));
        }
        Ok(StageReport::warning(
            Stage::Authorize,
            "too_many_redirects",
            format!("the sign-in page leads on and on within `{}`", host_of(&sample.url)),
            "open the test's `url` in a browser, and see whether the page comes",
        ))
    }
}

/// What the page says, or that the request could not be pushed: sign-ins go on without that, but somebody should look at
/// it.
fn beside(page: StageReport, unpushed: Option<StageReport>) -> StageReport {
    match unpushed {
        Some(unpushed) if page.outcome == StageOutcome::Ok => {
            let found = page.found.map(|found| format!("{found}, in the open"));
            StageReport { outcome: StageOutcome::Warning, found, ..unpushed }
        }
        _ => page,
    }
}

/// A failure with what would mend it.
pub(super) type Refused = (StageReport, Vec<Proposal>);

/// What a page means.
enum Judged {
    /// It leads on to another one of the provider.
    On(Url),
    /// It is clear.
    Done(Box<StageReport>),
}

/// What the page, or where it leads, says of our request.
fn judge(
    target: &Target<'_>,
    server: &Server,
    sample: &Sample,
    url: &Url,
    page: &Page,
    hop: usize,
) -> Result<Judged, Box<Refused>> {
    let status = page.answer.status;
    let with_answer = |(mut report, proposals): Refused| {
        report.sent = Some(sample.shown.request(&browser_request(&sample.url, &BTreeMap::new())));
        let mut received = sample.shown.plain_answer(&page.answer);
        if let Some(location) = page.location.as_ref().and_then(|location| url.join(location).ok()) {
            received.body = Some(format!("location: {}", sample.shown.url(&location)).into());
        }
        report.received = Some(received);
        Box::new((report, proposals))
    };
    if (300..400).contains(&status) {
        let Some(next) = page.location.as_ref().and_then(|location| url.join(location).ok()) else {
            return Err(with_answer((stray(url, status), Vec::new())));
        };
        return lead_on(target, server, sample, url, &next).map_err(|refused| with_answer(*refused));
    }
    match read_page(target, sample, url, page, hop) {
        Ok(report) => Ok(Judged::Done(Box::new(report))),
        Err(refused) => Err(with_answer(*refused)),
    }
}

/// What the words and the status of a page say of our request.
fn read_page(
    target: &Target<'_>,
    sample: &Sample,
    url: &Url,
    page: &Page,
    hop: usize,
) -> Result<StageReport, Box<Refused>> {
    let status = page.answer.status;
    let text = String::from_utf8_lossy(&page.answer.body);
    // A page that asks for something is a sign-in page, whatever else stands on it.
    let asks = (200..300).contains(&status) && text.to_ascii_lowercase().contains("<form");
    let complaint = Complaint::of_page(&text).filter(|_| !asks);
    if let Some(complaint) = complaint
        && (status >= 400 || says_code(&text))
    {
        return Err(Box::new(complained(target, &sample.redirect_uri, complaint)));
    }
    let report = match status {
        200..300 if complaint.is_some() => {
            let (report, _) =
                complained(target, &sample.redirect_uri, complaint.unwrap_or(Complaint::Client));
            let found = Some("the page came, but its words sound like a complaint".to_owned());
            StageReport { outcome: StageOutcome::Warning, found, ..report }
        }
        200..300 => StageReport::ok(
            Stage::Authorize,
            format!("the sign-in page of `{}` takes the request", host_of(url)),
        ),
        _ if hop > 0 => StageReport::warning(
            Stage::Authorize,
            "page_refused",
            format!(
                "the page at `{}` answers with {status} to us; to a browser it may answer otherwise",
                host_of(url)
            ),
            "open the test's `url` in a browser, and see whether the page comes",
        ),
        401 | 403 | 405 | 429 => StageReport::warning(
            Stage::Authorize,
            "page_refused",
            format!("`{}` answers with {status} to us, which are no browser", host_of(url)),
            "open the test's `url` in a browser, and see whether the page comes",
        ),
        _ => return Err(Box::new((stray(url, status), Vec::new()))),
    };
    Ok(report)
}

/// A redirect: back to us with an error, on to the sign-in page, or to somebody else.
fn lead_on(
    target: &Target<'_>,
    server: &Server,
    sample: &Sample,
    url: &Url,
    next: &Url,
) -> Result<Judged, Box<Refused>> {
    let own =
        |other: &Url| host_of(other) == host_of(url) || host_of(other) == host_of(&server.authorize_url);
    let fragment = url::form_urlencoded::parse(next.fragment().unwrap_or_default().as_bytes());
    let pairs: Vec<(String, String)> = next.query_pairs().into_owned().chain(fragment.into_owned()).collect();
    let value = |name: &str| pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    let is_back = next.as_str().starts_with(&sample.redirect_uri);
    if let Some(error) = value("error").filter(|error| !error.is_empty()) {
        // Whoever asks for no page is told that there is none.
        if matches!(
            error,
            "login_required" | "interaction_required" | "consent_required" | "account_selection_required"
        ) {
            let found =
                format!("the provider takes the request, and says `{error}` because nobody is signed in");
            return Ok(Judged::Done(Box::new(StageReport::ok(Stage::Authorize, found))));
        }
        let description = value("error_description");
        if let Some(complaint) = Complaint::of_error(error, description) {
            return Err(Box::new(complained(target, &sample.redirect_uri, complaint)));
        }
        let said = sample
            .shown
            .text(&[Some(error), description].into_iter().flatten().collect::<Vec<_>>().join(": "));
        let cause = format!("the provider refuses the request: `{said}`");
        let remedy =
            "look the error up in the provider's documentation; it names a parameter or a setting there";
        return Err(Box::new((
            StageReport::failed(Stage::Authorize, "provider_error", cause, remedy),
            Vec::new(),
        )));
    }
    if is_back {
        let found = "the provider sends back at once, without asking anybody";
        return Ok(Judged::Done(Box::new(StageReport::ok(Stage::Authorize, found))));
    }
    if own(next) {
        return Ok(Judged::On(next.clone()));
    }
    let found =
        format!("the provider takes the request and leads on to `{}`, which is not looked at", host_of(next));
    Ok(Judged::Done(Box::new(StageReport::ok(Stage::Authorize, found))))
}

/// Whether the words of a page hold a code of an error, which no page of a healthy sign-in does.
fn says_code(html: &str) -> bool {
    let text = visible(html).to_lowercase();
    [
        "redirect_uri_mismatch",
        "invalid_redirect_uri",
        "invalid_client",
        "unauthorized_client",
        "invalid_scope",
    ]
    .iter()
    .any(|code| text.contains(code))
}

/// What a complaint means for the tenant's admin.
pub(in crate::flow) fn complained(target: &Target<'_>, redirect_uri: &str, complaint: Complaint) -> Refused {
    let provider = target.provider;
    let client = &provider.client_id;
    let mut proposals = Vec::new();
    let (code, cause, remedy) = match complaint {
        Complaint::RedirectUri => (
            "redirect_uri_refused",
            format!("the provider does not allow the redirect URI `{redirect_uri}`"),
            format!(
                "register exactly `{redirect_uri}` as a redirect URI (callback URL) of the client `{client}` at the \
                 provider; scheme, host, port and path count to the last byte"
            ),
        ),
        Complaint::Client => (
            "client_unknown",
            format!("the provider does not know the client `{client}`, or it may not sign people in"),
            "compare `client_id` with the provider's console, to the last byte, and the environment too (test or live)"
                .to_owned(),
        ),
        Complaint::Scope => {
            let scope = provider.scope.as_deref().unwrap_or_default();
            if scope.contains(' ') && provider.scope_separator == " " {
                let why = "the provider may want commas between its scopes";
                proposals.push(Proposal::text("scope_separator", ",", why));
            }
            (
                "scope_refused",
                format!("the provider does not allow the scope `{scope}`"),
                "allow these scopes for the client at the provider, or take those out of `scope` that it does not know"
                    .to_owned(),
            )
        }
        Complaint::Pkce => {
            proposals.push(Proposal::text("pkce", "off", "the provider does not take PKCE"));
            (
                "pkce_refused",
                "the provider does not take PKCE with S256".to_owned(),
                "switch PKCE on for the client at the provider; only if that cannot be, write `pkce = \"off\"`".to_owned(),
            )
        }
        Complaint::ResponseMode => (
            "response_refused",
            "the provider does not answer in the way that it is asked to".to_owned(),
            "allow the authorization code flow for the client at the provider, or change `response_mode`".to_owned(),
        ),
    };
    (StageReport::failed(Stage::Authorize, code, cause, remedy), proposals)
}

fn stray(url: &Url, status: u16) -> StageReport {
    let at = format!("{}{}", host_of(url), url.path());
    match status {
        404 | 410 => StageReport::failed(
            Stage::Authorize,
            "authorize_url_wrong",
            format!("there is nothing at `{at}` (status {status})"),
            "correct `authorize_url`: it is the address of the provider's sign-in page, as its documentation has it",
        ),
        500.. => StageReport::failed(
            Stage::Authorize,
            "provider_error",
            format!("the sign-in page at `{at}` fails (status {status})"),
            "look into the provider's own log; many fail so for a client or redirect URI that they do not know",
        ),
        _ => StageReport::failed(
            Stage::Authorize,
            "provider_error",
            format!("the sign-in page at `{at}` refuses the request (status {status})"),
            "compare `client_id`, the redirect URI and `scope` with the provider's console; `received` shows its words",
        ),
    }
}

fn unloaded(url: &Url, error: &EgressError) -> StageReport {
    StageReport { step: Stage::Authorize, ..unmet(url, error) }
}

/// A request as a browser sends it, with the cookies of this host.
fn browser_request(url: &Url, cookies: &BTreeMap<(String, String), String>) -> OutboundRequest {
    let mut url = url.clone();
    url.set_fragment(None);
    let mut headers = vec![
        ("accept".into(), Secret::new("text/html,application/xhtml+xml,*/*;q=0.8")),
        ("accept-language".into(), Secret::new("en")),
        ("user-agent".into(), Secret::new("Mozilla/5.0 (compatible; Countersign)")),
    ];
    let host = host_of(&url);
    let own: Vec<_> = cookies
        .iter()
        .filter(|((at, _), _)| *at == host)
        .map(|((_, name), value)| format!("{name}={value}"))
        .collect();
    if !own.is_empty() {
        headers.push(("cookie".into(), Secret::new(own.join("; "))));
    }
    OutboundRequest { method: Method::Get, url, headers, body: None }
}
