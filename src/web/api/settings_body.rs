//! Bodies that hold settings, whose names the table of settings knows and not this layer.
//!
//! To add one: a line below with what it is, its name in the description, and an example.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};

use super::settings_examples as examples;

macro_rules! settings_bodies {
    ($($(#[doc = $doc:literal])* $name:ident as $schema:literal like $example:path),* $(,)?) => {
        $(
            $(#[doc = $doc])*
            #[derive(Debug, Deserialize)]
            #[serde(transparent)]
            pub struct $name(pub Map<String, Value>);

            impl utoipa::PartialSchema for $name {
                fn schema() -> RefOr<Schema> {
                    described(concat!($($doc),*).trim_ascii_start(), $example())
                }
            }

            impl utoipa::ToSchema for $name {
                fn name() -> Cow<'static, str> {
                    Cow::Borrowed($schema)
                }
            }
        )*
    };
}

settings_bodies! {
    /// A provider's settings, by the names of the tenant file in camelCase (`clientId`, `authorizeUrl`, `tokenRequest`);
    /// docs/providers.md has all of them. What is left out has its default. Secrets (`clientSecret`) are write-only: left
    /// out they stay as they are, `null` takes them away.
    ProviderBody as "ProviderSettings" like examples::provider_settings,
    /// A tenant's settings, by the names of the tenant file in camelCase, lists in the plural (`snippets`, `webhooks`,
    /// `clients`, `rules`, `staff`, `providers`); docs/tenants.md. With `providers` the tenant has these from now on, live and
    /// knowingly untested; left out, they stay as they are. Secrets are write-only: left out they stay, `null` takes them
    /// away.
    TenantBody as "TenantSettings" like examples::tenant_settings,
    /// What a tenant's admin may set: everything of the tenant file but `hosts`, `providers`, `clients`, `webhooks` and
    /// `staff`, by its names in camelCase; lists in the plural (`snippets`, `rules`).
    OwnBody as "OwnSettings" like examples::own_settings,
    /// A snippet by the names of the tenant file: `id`, `tag`, `text` per language, and per channel its own `text`.
    SnippetBody as "Snippet" like examples::snippet,
    /// A webhook's settings, by the names of the tenant file. `secret` and `secrets` are write-only: left out they stay as
    /// they are.
    WebhookBody as "WebhookSettings" like examples::webhook_settings,
}

/// An object with names that are not fixed here.
fn described(text: &str, example: Value) -> RefOr<Schema> {
    let object = ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some(text))
        .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(true)))
        .examples([example])
        .build();
    RefOr::T(Schema::Object(object))
}
