//! `POST /embed/open`: the form that the chat's page sends into the window of the sign-in.
//!
//! The browser says with it which page sent it. If that is a page of the tenant's chat, the browser gets a pass for the
//! link, which *Continue* hands over to the sign-in; in any case it goes on to the link's own page, as if the link had
//! been pressed. Nothing is written and nothing begins.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{Method, header};
use axum::response::Response;

use crate::flow::web_chat::ChatError;
use crate::web::Web;
use crate::web::page::Notice;
use crate::web::visit::{Visit, see_other};

use super::{NotOfChat, origin_of_chat, token_of};

/// How long a pass lives, in seconds.
const PASS_SECONDS: u32 = 600;

/// Takes the form, and leads to the link's page.
pub async fn open(visit: Visit, State(web): State<Arc<Web>>, request: Request) -> Response {
    if visit.method != Method::POST {
        return visit.wrong_method("POST");
    }
    let proof = proof(&visit);
    if let Err(why) = proof {
        let why = why.as_str();
        tracing::info!(tenant = %visit.tenant.id, request_id = visit.request_id, code = why, "chat.unproved");
    }
    metrics::counter!("countersign_chat_windows_total", "proof" => proof.map_or_else(NotOfChat::as_str, |()| "ok"))
        .increment(1);
    let token = token_of(request).await;
    let came = match web.broker.come_from_chat(&visit.tenant, &token, proof.is_ok()).await {
        Ok(came) => came,
        Err(ChatError::Unknown) => return visit.miss(&web, Notice::Unknown),
        Err(ChatError::Full) => return visit.notice(Notice::Unavailable { retry_after: 30 }),
        Err(ChatError::Store(error)) => return visit.unavailable(&error),
    };
    let mut response = see_other(&format!("/a/{}", came.link.token.expose()));
    if let Some(pass) = came.pass {
        let (name, value) = (&pass.name, pass.value.expose());
        let text = format!("{name}={value}; Path=/; Max-Age={PASS_SECONDS}; HttpOnly; SameSite=Lax");
        response.headers_mut().append(header::SET_COOKIE, visit.cookie(&text));
    }
    response
}

/// Whether the browser itself says that a page of the tenant's chat sent the form, into a window that shows our address.
fn proof(visit: &Visit) -> Result<(), NotOfChat> {
    origin_of_chat(&visit.tenant, &visit.headers)?;
    let is = |name: &str, wanted: &str| visit.headers.get(name).is_none_or(|value| value == wanted);
    if is("sec-fetch-mode", "navigate") && is("sec-fetch-dest", "document") {
        Ok(())
    } else {
        Err(NotOfChat::Framed)
    }
}
