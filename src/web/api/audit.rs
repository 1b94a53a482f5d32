//! The audit: who changed or read what, as JSON for programs and as CSV for auditors.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::audit::AuditEntry;
use crate::domain::ids::TenantId;
use crate::flow::audit::AuditQuery;
use crate::flow::lists::Part;
use crate::flow::trail::Seen;
use crate::web::Web;
use crate::web::caller::{Caller, ReadAudit, Scope as _};
use crate::web::error::ApiError;
use crate::web::openapi::answers::{Called, Stored};

use super::csv::{self, push_row};
use super::query::Query;

/// Rows that are read together for a file.
const ROWS: usize = 500;
/// The columns of a file.
const COLUMNS: [&str; 9] = ["id", "at", "actor", "action", "object", "ids", "count", "requestId", "detail"];

/// Audit entries, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditList {
    items: Vec<AuditEntry>,
    /// The `cursor` of the next page; null at the end. A page may hold fewer than `limit` and still have a next one.
    #[schema(required)]
    next: Option<String>,
}

/// Read the audit
///
/// Who changed or read what, newest first; nothing in it is of a person. As CSV (`format=csv`, or
/// `Accept: text/csv`) it is all that the question wants, as one file, newest first too; a file that was cut short
/// ends with an error of the connection. Reading it is an entry of its own.
#[utoipa::path(
    get, path = "/v1/audit", operation_id = "listAudit", tag = "Audit",
    security(("oauth2" = [ReadAudit::NAME])),
    params(
        ("actor" = Option<String>, Query, min_length = 1, example = "client:acme-bot", description = "What this one did."),
        ("action" = Option<String>, Query, min_length = 1, example = "contact.read", description = "What was done so."),
        ("object" = Option<String>, Query, min_length = 1, description = "What was done to this id, as the object or among `ids`."),
        ("since" = Option<Timestamp>, Query, description = "What happened then or later."),
        ("until" = Option<Timestamp>, Query, description = "What happened then or earlier."),
        ("limit" = Option<usize>, Query, minimum = 1, maximum = 200, description = "How many at most; 50 if left out. Not for CSV."),
        ("cursor" = Option<String>, Query, min_length = 1, description = "The `next` of the page before, of the same question. Not for CSV."),
        ("format" = Option<String>, Query, pattern = "^(json|csv)$", description = "`json` or `csv`; what `Accept` wants, if it is left out."),
    ),
    responses(
        (status = 200, description = "A page of entries, or all of them as CSV.", content(
            (AuditList = "application/json"), (String = "text/csv"),
        )),
        Called, Stored,
    )
)]
pub async fn list(
    caller: Caller<ReadAudit>,
    State(web): State<Arc<Web>>,
    headers: HeaderMap,
    RawQuery(raw): RawQuery,
) -> Result<Response, ApiError> {
    let known = ["actor", "action", "object", "since", "until", "limit", "cursor", "format"];
    let query = Query::parse(raw.as_deref(), &known)?;
    let wanted = AuditQuery {
        actor: query.get("actor").map(str::to_owned),
        action: query.parsed("action")?,
        object: query.get("object").map(str::to_owned),
        since: query.time("since")?,
        until: query.time("until")?,
    };
    if csv::is_wanted(&query, &headers)? {
        return file(caller, web, wanted).await;
    }
    let part = Part { cursor: query.get("cursor"), limit: query.limit()? };
    let page = web.broker.audit(&caller.tenant.id, &wanted, part).await?;
    caller.saw(&web, Seen::audit(page.items.len())).await?;
    Ok(Json(AuditList { items: page.items, next: page.next }).into_response())
}

/// A file on its way out.
struct Rows {
    web: Arc<Web>,
    tenant: TenantId,
    wanted: AuditQuery,
    cursor: Option<String>,
    /// Whether there is nothing more.
    done: bool,
}

/// All entries, read and sent page by page. The first page is read before anything is answered.
async fn file(caller: Caller<ReadAudit>, web: Arc<Web>, wanted: AuditQuery) -> Result<Response, ApiError> {
    let place = csv::place(&web, &caller)?;
    let tenant = caller.tenant.id.clone();
    let mut rows = Rows { web: Arc::clone(&web), tenant, wanted, cursor: None, done: false };
    let mut first = String::new();
    push_row(&mut first, COLUMNS);
    first.push_str(&rows.next().await?);
    caller.saw(&web, Seen::audit_file()).await?;
    let rest = futures_util::stream::try_unfold(rows, |mut rows| async {
        if rows.done {
            return Ok(None);
        }
        let text = rows.next().await.map_err(std::io::Error::other)?;
        Ok::<_, std::io::Error>(Some((Bytes::from(text), rows)))
    });
    Ok(csv::send(("audit.csv", place), first, rest))
}

impl Rows {
    /// The next rows; possibly none though there are more.
    async fn next(&mut self) -> Result<String, crate::flow::StoreError> {
        let part = Part { cursor: self.cursor.as_deref(), limit: ROWS };
        let page = self.web.broker.audit(&self.tenant, &self.wanted, part).await?;
        self.done = page.next.is_none();
        self.cursor = page.next;
        let mut text = String::new();
        for entry in &page.items {
            push_entry(&mut text, entry);
        }
        Ok(text)
    }
}

fn push_entry(text: &mut String, entry: &AuditEntry) {
    let (at, ids) = (entry.at.to_string(), entry.ids.join(" "));
    let count = entry.count.map(|count| count.to_string()).unwrap_or_default();
    let optional = |text: &'_ Option<String>| text.clone().unwrap_or_default();
    let (request, detail) = (optional(&entry.request_id), optional(&entry.detail));
    let fields: [&str; 9] = [
        entry.id.as_str(),
        &at,
        &entry.actor,
        entry.action.as_str(),
        &entry.object,
        &ids,
        &count,
        &request,
        &detail,
    ];
    push_row(text, fields);
}
