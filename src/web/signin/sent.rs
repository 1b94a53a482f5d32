//! A form that was sent from a page on which nobody is signed in: it has no token, but says that it comes from us.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts as _, Request};
use axum::response::Response;

use crate::web::Web;
use crate::web::page::Notice;
use crate::web::staff::foreign;
use crate::web::strict_json::is_too_large;
use crate::web::visit::Visit;

/// The fields of a form, and the request that brought it.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) visit: Visit,
    fields: Vec<(String, String)>,
}

impl Sent {
    /// A field, without white space around it; empty if it was not sent.
    pub(super) fn text(&self, name: &str) -> &str {
        self.fields.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.trim())
    }
}

impl FromRequest<Arc<Web>> for Sent {
    type Rejection = Response;

    async fn from_request(request: Request, web: &Arc<Web>) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let visit = Visit::from_request_parts(&mut parts, web).await?;
        if !visit.is_same_origin() {
            return Err(foreign(&visit));
        }
        let body = match Bytes::from_request(Request::from_parts(parts, body), &()).await {
            Ok(body) => body,
            Err(error) if is_too_large(&error) => return Err(visit.notice(Notice::TooLarge)),
            Err(_) => return Err(visit.notice(Notice::TooLate)),
        };
        let fields = url::form_urlencoded::parse(&body).into_owned().collect();
        Ok(Self { visit, fields })
    }
}
