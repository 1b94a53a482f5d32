//! The end of every way in: a new session in a new cookie, whatever the browser held before.

use axum::http::header;
use axum::response::Response;
use jiff::tz::TimeZone;

use crate::domain::actor::Actor;
use crate::domain::staff::{Member, SignedInBy};
use crate::flow::staff::session::Browser;
use crate::web::Web;
use crate::web::staff::{cookie_of, device, set_cookie, set_mark};
use crate::web::visit::{Visit, see_other};

use super::next::Next;

/// The most characters of a language tag.
const TAG: usize = 35;

/// Signs a member in, and sends the browser where it wanted to go.
pub(super) async fn let_in(
    visit: &Visit,
    web: &Web,
    member: &Member,
    how: SignedInBy,
    (next, zone): (&Next, &str),
) -> Response {
    let tenant = &visit.tenant;
    let header = |name| visit.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let browser = Browser {
        device: device(header(header::USER_AGENT)),
        locale: locale(header(header::ACCEPT_LANGUAGE)),
        zone: zone_named(zone),
    };
    let begun = match web.broker.begin_session(tenant, member, how, &browser).await {
        Ok(begun) => begun,
        Err(error) => return visit.unavailable(&error),
    };
    // What the browser held before is worth nothing: neither to whoever put it there, nor to whoever had it.
    if let Some(before) = cookie_of(visit)
        && let Ok(Some(at_work)) = web.broker.at_work(tenant, before.expose()).await
        && let Err(error) =
            web.broker.end_session(tenant, &at_work.session.id, &Actor::Staff(member.id.clone())).await
    {
        tracing::warn!(tenant = %tenant.id, detail = %error, "staff.older_not_ended");
    }
    tracing::info!(tenant = %tenant.id, request_id = visit.request_id, browser = %begun.session.id, "staff.let_in");
    let mut response = see_other(next.or_home(member.role));
    response.headers_mut().append(header::SET_COOKIE, set_cookie(visit, &begun.cookie));
    let mark = web.broker.mark_of_member(tenant, member);
    response.headers_mut().append(header::SET_COOKIE, set_mark(visit, &mark));
    response
}

/// The first language that a browser asks for.
fn locale(accepted: &str) -> String {
    let first = accepted.split([',', ';']).next().unwrap_or_default().trim();
    let is_tag = (2..=TAG).contains(&first.len())
        && first
            .split('-')
            .all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()));
    if is_tag { first.to_owned() } else { "en".to_owned() }
}

/// A time zone that there is.
pub(super) fn zone_named(name: &str) -> String {
    let is_known = !name.is_empty() && name.len() <= 64 && TimeZone::get(name).is_ok();
    if is_known { name.to_owned() } else { "UTC".to_owned() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn language_and_zone_are_those_of_the_browser_if_there_are_such() {
        let told = ["de-AT,de;q=0.9", "en", "", "*", "x", "de_AT", "javascript:x"].map(locale);
        assert_eq!(told, ["de-AT", "en", "en", "en", "en", "en", "en"]);
        let zones = ["Europe/Berlin", "Mars/Olympus", "", "../../etc/passwd"].map(zone_named);
        assert_eq!(zones, ["Europe/Berlin", "UTC", "UTC", "UTC"]);
    }

    proptest! {
        #[test]
        fn whatever_a_browser_says_is_short_and_plain(text: String) {
            let (locale, zone) = (locale(&text), zone_named(&text));
            prop_assert!(locale.is_ascii() && locale.len() <= TAG && zone.len() <= 64);
        }
    }
}
