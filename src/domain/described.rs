//! The JSON schemas of texts that serde reads through a check of ours, and of maps that it reads as
//! they are: what a derive cannot know.

use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};

/// A text of `least` to `most` characters that matches a pattern (ECMA-262, as JSON schema wants it).
pub fn text(least: usize, most: usize, pattern: Option<&str>, example: &str) -> RefOr<Schema> {
    let text = ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(Some(least))
        .max_length(Some(most))
        .pattern(pattern)
        .examples([example]);
    text.into()
}
