//! Attempts as a file, for whoever counts them elsewhere. Nothing in it is of the person.

use std::sync::Arc;

use axum::body::Bytes;
use axum::response::Response;
use futures_util::stream;
use jiff::Timestamp;

use crate::domain::request::AuthorizationRequest;
use crate::domain::tenant::Tenant;
use crate::flow::StoreError;
use crate::flow::lists::{AttemptQuery, Part};
use crate::web::Web;
use crate::web::caller::{Caller, ReadAudit};
use crate::web::error::ApiError;

use super::csv::{self, push_row};

/// Rows that are read together.
const ROWS: usize = 200;
/// The columns, as the JSON calls them; `tookMs` is the time from the opening to the end.
const COLUMNS: [&str; 10] =
    ["id", "authLinkId", "provider", "callback", "status", "step", "code", "openedAt", "endedAt", "tookMs"];

/// A file on its way out.
struct Rows {
    web: Arc<Web>,
    tenant: Arc<Tenant>,
    wanted: AttemptQuery,
    cursor: Option<String>,
    /// Whether there is nothing more.
    done: bool,
}

/// All attempts that are wanted, read and sent page by page. The first page is read before anything is answered.
pub async fn file(
    web: Arc<Web>,
    caller: &Caller<ReadAudit>,
    wanted: AttemptQuery,
) -> Result<Response, ApiError> {
    let place = csv::place(&web, caller)?;
    let tenant = Arc::clone(&caller.tenant);
    let mut rows = Rows { web, tenant, wanted, cursor: None, done: false };
    let mut first = String::new();
    push_row(&mut first, COLUMNS);
    first.push_str(&rows.next().await?);
    let rest = stream::try_unfold(rows, |mut rows| async {
        if rows.done {
            return Ok(None);
        }
        let text = rows.next().await.map_err(std::io::Error::other)?;
        Ok::<_, std::io::Error>(Some((Bytes::from(text), rows)))
    });
    Ok(csv::send(("attempts.csv", place), first, rest))
}

impl Rows {
    /// The next rows; possibly none though there are more.
    async fn next(&mut self) -> Result<String, StoreError> {
        let part = Part { cursor: self.cursor.as_deref(), limit: ROWS };
        let page = self.web.broker.attempts(&self.tenant, &self.wanted, part).await?;
        self.done = page.next.is_none();
        self.cursor = page.next;
        let (mut text, now) = (String::new(), self.web.broker.clock().now());
        for attempt in &page.items {
            push_attempt(&mut text, attempt, now);
        }
        Ok(text)
    }
}

fn push_attempt(text: &mut String, attempt: &AuthorizationRequest, now: Timestamp) {
    let standing = attempt.standing_at(now);
    let opened = attempt.created_at.to_string();
    let ended = standing.ended.map(|ended| ended.to_string()).unwrap_or_default();
    let took = standing.ended.map(|ended| attempt.age_at(ended).to_string()).unwrap_or_default();
    let fields: [&str; 10] = [
        attempt.id.as_str(),
        attempt.link.as_str(),
        attempt.provider.as_str(),
        attempt.route.as_str(),
        standing.status.as_str(),
        standing.fault.map_or("", |fault| fault.step.as_str()),
        standing.fault.map_or("", |fault| fault.code.as_str()),
        &opened,
        &ended,
        &took,
    ];
    push_row(text, fields);
}
