//! What a provider says that its answer is: the header `Content-Type`, as far as we care.

/// The kinds of content that are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Media {
    /// `application/json` or any type with the suffix `+json` (RFC 6839, 3.1).
    Json,
    /// A type that some providers use for JSON: script, plain text, or raw bytes.
    Text,
    /// `application/x-www-form-urlencoded`.
    Form,
    /// A signed answer, `application/jwt` (RFC 7519, 10.3.1).
    Jwt,
    /// A page.
    Html,
    /// There is no header, or a blank one.
    Missing,
    /// Anything else, XML among them.
    Other,
}

impl Media {
    /// Reads the header. Parameters are ignored: JSON is UTF-8 whatever the header says (RFC 8259, 8.1).
    pub fn parse(header: Option<&str>) -> Self {
        let essence = header.unwrap_or_default().split(';').next().unwrap_or_default().trim();
        let essence = essence.to_ascii_lowercase();
        match essence.as_str() {
            "" => Self::Missing,
            "application/json" | "text/json" => Self::Json,
            suffixed if suffixed.ends_with("+json") => Self::Json,
            "text/plain" | "text/javascript" | "application/javascript" | "application/octet-stream" => {
                Self::Text
            }
            "application/x-www-form-urlencoded" => Self::Form,
            "application/jwt" => Self::Jwt,
            "text/html" | "application/xhtml+xml" => Self::Html,
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(Some("Application/JSON; charset=utf-16"), Media::Json)]
    #[case(Some("application/problem+json"), Media::Json)]
    #[case(Some("text/plain;charset=UTF-8"), Media::Text)]
    #[case(Some("application/x-www-form-urlencoded"), Media::Form)]
    #[case(Some("text/html; charset=utf-8"), Media::Html)]
    #[case(Some("application/jwt"), Media::Jwt)]
    #[case(Some("json"), Media::Other)]
    #[case(Some(" ; charset=utf-8"), Media::Missing)]
    #[case(None, Media::Missing)]
    fn a_content_type_is_read_without_its_parameters(#[case] header: Option<&str>, #[case] media: Media) {
        assert_eq!(Media::parse(header), media);
    }
}
