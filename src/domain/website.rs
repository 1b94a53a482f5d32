//! Websites of a tenant on which its customers sign in by an emailed code: each has a publishable key, the origins that
//! may use it, and how its letters look. And what customers may do, wherever they sign in.

use jiff::SignedDuration;

use super::profile::ProfileField;

/// What every publishable key begins with.
pub const PUBLIC_KEY: &str = "pk_dom_";
/// How long a customer's access token is good, if the tenant does not say otherwise; it is the longest, too.
pub const ACCESS_LIFETIME: SignedDuration = SignedDuration::from_hours(1);
/// The shortest that a tenant may say.
pub const SHORTEST_ACCESS: SignedDuration = SignedDuration::from_secs(10);
/// What a customer may change of the own profile, if the tenant does not say otherwise.
pub const MAY_CHANGE: [ProfileField; 4] =
    [ProfileField::FirstName, ProfileField::LastName, ProfileField::FullName, ProfileField::Locale];

/// A website on which customers sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Website {
    /// Its publishable key: [`PUBLIC_KEY`] and 16 to 64 letters and digits. It is no secret: it says which website asks.
    pub public_key: String,
    /// The origins whose pages may use it, as browsers write them (RFC 6454, 6.2).
    pub origins: Vec<String>,
    /// Who its letters come from, as mail programs show it; none means the tenant's name.
    pub sender: Option<String>,
    /// The colour of its letters; none means ours.
    pub accent: Option<Accent>,
}

/// A colour, as `#rrggbb`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accent([u8; 3]);

/// What customers of a tenant may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomerPolicy {
    /// Whether they may sign in by a code that is sent to their address.
    pub email_code: bool,
    /// Whether somebody whom nobody knows becomes a contact by it.
    pub create: bool,
    /// Whether an address that a provider vouched for finds its contact.
    pub merge_by_email: bool,
    /// How long their access tokens are good.
    pub access_lifetime: SignedDuration,
    /// Which fields of the own profile they may change: known ones, and fields of the tenant's own.
    pub may_change: Vec<String>,
}

impl Default for CustomerPolicy {
    fn default() -> Self {
        Self {
            email_code: false,
            create: true,
            merge_by_email: false,
            access_lifetime: ACCESS_LIFETIME,
            may_change: MAY_CHANGE.iter().map(|field| field.as_str().to_owned()).collect(),
        }
    }
}

impl Website {
    /// Whether pages of this origin may use it. Origins are compared to the letter.
    pub fn allows(&self, origin: &str) -> bool {
        self.origins.iter().any(|known| known == origin)
    }
}

impl Accent {
    /// Reads `#rrggbb`.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6 && digits.is_ascii())?;
        let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).ok();
        let hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        if hex { Some(Self([byte(0)?, byte(2)?, byte(4)?])) } else { None }
    }

    /// The colour of letters on it: white, or black where white could not be read (WCAG 2.2, 1.4.3).
    pub fn ink(self) -> &'static str {
        // With white the contrast is 1.05 / (luminance + 0.05); from here on it is below 4.5.
        if self.luminance() > 0.1833 { "#000000" } else { "#ffffff" }
    }

    /// The relative luminance of WCAG 2.2.
    fn luminance(self) -> f64 {
        let linear = |byte: u8| {
            let part = f64::from(byte) / 255.0;
            if part <= 0.040_45 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        let [red, green, blue] = self.0.map(linear);
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }
}

impl std::fmt::Display for Accent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_origin_is_compared_to_the_letter() {
        let website = Website {
            public_key: "pk_dom_0123456789abcdef".to_owned(),
            origins: vec!["https://shop.acme.example".to_owned()],
            sender: None,
            accent: None,
        };
        assert!(website.allows("https://shop.acme.example"));
        for other in [
            "https://shop.acme.example:8443",
            "http://shop.acme.example",
            "https://SHOP.acme.example",
            "https://shop.acme.example.evil.example",
            "https://evil-shop.acme.example",
            "null",
            "",
        ] {
            assert!(!website.allows(other), "{other}");
        }
    }

    #[test]
    fn a_colour_is_six_digits_and_what_stands_on_it_can_be_read() {
        for (text, ink) in
            [("#0B5FFF", "#ffffff"), ("#ffdd00", "#000000"), ("#000000", "#ffffff"), ("#FFFFFF", "#000000")]
        {
            let accent = Accent::parse(text).unwrap();
            assert_eq!((accent.to_string(), accent.ink()), (text.to_lowercase(), ink), "{text}");
        }
        for bad in ["", "#fff", "0b5fff", "#0b5ff", "#0b5fff0", "#+b5fff", "red", "#0b5fé"] {
            assert_eq!(Accent::parse(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_colour_or_none_and_a_colour_is_written_as_it_was_read(text in "\\PC{0,8}|#[0-9a-fA-F]{6}") {
            if let Some(accent) = Accent::parse(&text) {
                prop_assert_eq!(accent.to_string(), text.to_lowercase());
            }
        }
    }
}
