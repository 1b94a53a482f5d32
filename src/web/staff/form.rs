//! A form that a member of staff sent from a page of ours.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts as _, Request};
use axum::http::StatusCode;
use axum::response::Response;

use crate::web::Web;
use crate::web::page::Notice;
use crate::web::strict_json::is_too_large;
use crate::web::visit::Visit;

use super::{cookie_of, outside};

/// The fields of a form, in their order. It was sent from one of our pages, by the browser that the page was made for:
/// the request says the same origin, and the field `csrf` belongs to its cookie.
#[derive(Debug)]
pub struct Posted {
    fields: Vec<(String, String)>,
}

impl Posted {
    /// A field, without white space around it; empty if it was not sent.
    pub fn text(&self, name: &str) -> &str {
        self.raw(name).trim()
    }

    /// A field as it was typed, its lines ending in `\n`; empty if it was not sent.
    pub fn raw(&self, name: &str) -> &str {
        let field = self.fields.iter().find(|(known, _)| known == name);
        field.map_or("", |(_, value)| value.as_str())
    }

    /// Every field of this name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.fields.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Whether a box is ticked, a button was pressed, or a field was sent at all.
    pub fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|(known, _)| known == name)
    }

    /// Every field but the token, to be shown again.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    fn parse(body: &[u8]) -> Self {
        let pairs = url::form_urlencoded::parse(body);
        // Browsers send every line end as CR LF (HTML, form submission).
        let fields = pairs.map(|(name, value)| (name.into_owned(), value.replace("\r\n", "\n")));
        Self { fields: fields.collect() }
    }
}

impl FromRequest<Arc<Web>> for Posted {
    type Rejection = Response;

    async fn from_request(request: Request, web: &Arc<Web>) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let visit = Visit::from_request_parts(&mut parts, web).await?;
        if !visit.is_same_origin() {
            return Err(foreign(&visit));
        }
        let request = Request::from_parts(parts, body);
        let body = match Bytes::from_request(request, &()).await {
            Ok(body) => body,
            Err(error) if is_too_large(&error) => return Err(visit.notice(Notice::TooLarge)),
            Err(_) => return Err(visit.notice(Notice::TooLate)),
        };
        let mut posted = Self::parse(&body);
        let is_own = cookie_of(&visit).is_some_and(|cookie| {
            web.broker.is_own_form(&visit.tenant, cookie.expose(), posted.text("csrf"))
        });
        if !is_own {
            tracing::warn!(tenant = %visit.tenant.id, request_id = visit.request_id, "staff.form_refused");
            let lead = "The page was made before you signed in again, so nothing was changed. Go back, load the page \
                        again, and send the form once more.";
            return Err(outside(&visit, StatusCode::FORBIDDEN, ("This form is too old", lead), None));
        }
        posted.fields.retain(|(name, _)| name != "csrf");
        Ok(posted)
    }
}

/// The page for a form that no page of ours has sent.
pub fn foreign(visit: &Visit) -> Response {
    let lead = "Another page sent it here, so nothing was changed. If you meant to do this, open our own page and send it \
                from there; if you did not, close this one.";
    let action = Some(("/signin", "To our own pages"));
    outside(visit, StatusCode::FORBIDDEN, ("This form is not one of ours", lead), action)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_field_is_read_as_it_was_typed_or_trimmed() {
        let posted = Posted::parse(b"a=+x+&b=1%0D%0A2&b=3&tick=");
        assert_eq!((posted.text("a"), posted.raw("a")), ("x", " x "));
        assert_eq!(posted.all("b").collect::<Vec<_>>(), ["1\n2", "3"]);
        assert!(posted.has("tick") && !posted.has("c"));
        assert_eq!(posted.text("c"), "");
    }

    proptest! {
        #[test]
        fn no_body_is_a_panic(bytes: Vec<u8>) {
            let posted = Posted::parse(&bytes);
            prop_assert!(posted.fields().count() <= bytes.len() + 1);
        }
    }
}
