//! A provider as its admins see it.

use axum::Json;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::domain::ids::ProviderId;
use crate::domain::provider::CallbackPath;
use crate::domain::stored::{Difference, Draft, Published, Tested};
use crate::domain::tenant::Tenant;
use crate::domain::trial::RedirectUri;
use crate::flow::redirect_uris::redirect_uris_at;
use crate::flow::settings::Home;
use crate::flow::settings::format::Remark;
use crate::flow::settings::providers::ProviderState;
use crate::web::error::BodyFault;
use crate::web::if_match::etag_of;

/// A provider of a tenant.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Provider, examples(super::settings_examples::provider))]
pub struct ProviderView {
    id: ProviderId,
    /// What customers read.
    #[schema(examples("Acme online banking"))]
    label: String,
    state: Stage,
    source: SourceWord,
    /// The file in which it stands: change it there. Null if it stands in the store.
    #[schema(required, examples("tenants/acme.toml"))]
    file: Option<String>,
    /// Its version, which every change counts; null if it stands in a file.
    #[schema(required)]
    version: Option<u64>,
    /// The hash of what is live, without secrets; null if nothing is.
    #[schema(required)]
    revision: Option<String>,
    /// Whether it works, if anybody has seen it fail.
    #[schema(required)]
    health: Option<HealthView>,
    /// What logins use; null if nothing was published.
    #[schema(required)]
    live: Option<LiveView>,
    /// What is worked on.
    #[schema(required)]
    draft: Option<DraftView>,
    /// What was live before, the latest first: at most 20 versions.
    history: Vec<VersionView>,
    /// What must be registered at the provider.
    redirect_uris: Vec<RedirectUri>,
    /// When it was changed last; null if it stands in a file.
    #[schema(required)]
    changed_at: Option<Timestamp>,
    /// By whom: `client:` or `operator:` and its id.
    #[schema(required, examples("client:acme-admin"))]
    changed_by: Option<String>,
    /// What somebody should know of what was just sent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    warnings: Vec<BodyFault>,
}

/// How far a provider is.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Nothing of it was published, and the draft has passed no test login.
    Draft,
    /// Nothing of it was published; the draft has passed a test login.
    Tested,
    /// Logins use it.
    Live,
}

/// Where settings stand.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = SettingsSource)]
pub enum SourceWord {
    /// In a file; they are changed there.
    File,
    /// In the store; they are changed here.
    Stored,
    /// They were given to the process.
    Process,
}

/// Whether a provider works.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProviderHealth)]
pub struct HealthView {
    /// Whether it works now.
    healthy: bool,
    /// Since when.
    since: Timestamp,
}

/// Settings that logins use.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ProviderLive)]
pub struct LiveView {
    /// The settings; null if the file says something else by now.
    #[schema(required)]
    settings: Option<Map<String, Value>>,
    /// Which version, from 1; null if they stand in a file.
    #[schema(required)]
    version: Option<u64>,
    /// When they went live.
    #[schema(required)]
    published_at: Option<Timestamp>,
    /// Who made them live.
    #[schema(required)]
    published_by: Option<String>,
    /// The test login that they passed; null if they went live without.
    #[schema(required)]
    tested: Option<Tested>,
}

/// Settings that are worked on.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ProviderDraft)]
pub struct DraftView {
    settings: Map<String, Value>,
    /// The hash of the settings, without secrets.
    revision: String,
    /// When they were written.
    changed_at: Timestamp,
    /// Who wrote them.
    changed_by: String,
    /// The test login that they passed; null if they have not.
    #[schema(required)]
    tested: Option<Tested>,
}

/// A version that was live.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ProviderVersion)]
pub struct VersionView {
    version: u64,
    revision: String,
    published_at: Timestamp,
    published_by: String,
    #[schema(required)]
    tested: Option<Tested>,
}

/// The providers of a tenant.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProviderList)]
pub struct ProviderListView {
    /// All of them.
    pub items: Vec<ProviderView>,
    /// The `cursor` of the next page.
    #[schema(required)]
    pub next: Option<String>,
}

/// What a draft would change.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProviderDiff)]
pub struct DiffView {
    /// By setting.
    pub changes: Vec<Difference>,
}

/// A provider on its way to a client, with its version.
pub struct Shown(pub ProviderView);

impl Shown {
    /// The same with what somebody should know of what was sent.
    pub fn warned(mut self, warnings: Vec<Remark>) -> Self {
        self.0.warnings = warnings.into_iter().map(BodyFault::from).collect();
        self
    }
}

impl IntoResponse for Shown {
    fn into_response(self) -> Response {
        let etag = self.0.version.map(etag_of);
        let mut response = Json(self.0).into_response();
        response.headers_mut().extend(etag.map(|etag| (header::ETAG, etag)));
        response
    }
}

impl SourceWord {
    /// Where the settings of a tenant stand.
    pub fn of(home: Option<&Home>) -> Self {
        match home {
            Some(Home::File(_)) => Self::File,
            Some(Home::Process) => Self::Process,
            Some(Home::Store) | None => Self::Stored,
        }
    }
}

impl ProviderView {
    /// How a provider is shown.
    pub fn of(tenant: &Tenant, state: ProviderState, home: Option<&Home>) -> Self {
        let ProviderState { id, label, stored, live, draft, revision, health } = state;
        // The path is fixed when a provider is made, so that any of its settings tells it.
        let is_named =
            |tree: &Map<String, Value>| tree.get("callbackPath").is_some_and(|path| path == "named");
        let path = match tenant.provider(Some(&id)) {
            Some(served) => served.callback_path,
            None if draft.iter().chain(&live).any(is_named) => CallbackPath::Named,
            None => CallbackPath::Bare,
        };
        let known = stored.as_ref();
        let published = known.and_then(|known| known.live.as_ref());
        let drafted = known.and_then(|known| known.draft.as_ref());
        let is_live = known.is_none() || published.is_some();
        let is_tested = drafted.is_some_and(|draft| draft.tested.is_some());
        Self {
            redirect_uris: redirect_uris_at(tenant, &id, path),
            id,
            label,
            state: if is_live {
                Stage::Live
            } else if is_tested {
                Stage::Tested
            } else {
                Stage::Draft
            },
            source: SourceWord::of(home),
            file: home.and_then(|home| match home {
                Home::File(file) => Some(file.clone()),
                _ => None,
            }),
            version: known.map(|known| known.version),
            revision: revision.map(|revision| revision.to_string()),
            health: health.map(|health| HealthView { healthy: health.healthy, since: health.since }),
            live: is_live.then(|| LiveView::of(live, published)),
            draft: draft.zip(drafted).map(|(settings, draft)| DraftView::of(settings, draft)),
            history: known.iter().flat_map(|known| &known.history).map(VersionView::of).collect(),
            changed_at: known.map(|known| known.changed.at),
            changed_by: known.map(|known| known.changed.by.clone()),
            warnings: Vec::new(),
        }
    }
}

impl LiveView {
    fn of(settings: Option<Map<String, Value>>, published: Option<&Published>) -> Self {
        Self {
            settings,
            version: published.map(|published| published.version),
            published_at: published.map(|published| published.signed.at),
            published_by: published.map(|published| published.signed.by.clone()),
            tested: published.and_then(|published| published.tested.clone()),
        }
    }
}

impl DraftView {
    fn of(settings: Map<String, Value>, draft: &Draft) -> Self {
        Self {
            settings,
            revision: draft.revision.to_string(),
            changed_at: draft.signed.at,
            changed_by: draft.signed.by.clone(),
            tested: draft.tested.clone(),
        }
    }
}

impl VersionView {
    fn of(published: &Published) -> Self {
        Self {
            version: published.version,
            revision: published.revision.to_string(),
            published_at: published.signed.at,
            published_by: published.signed.by.clone(),
            tested: published.tested.clone(),
        }
    }
}
