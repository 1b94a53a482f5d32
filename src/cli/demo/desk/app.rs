//! What the customer's app can do, as the platform would hear it from the channel.

use std::fmt;
use std::str::FromStr;

use crate::domain::conversation::Channel;

/// The customer's app.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum App {
    /// Everything that the channel has.
    #[default]
    Newest,
    /// What it had some years ago; and in WhatsApp the customer has been silent for a day.
    Older,
    /// Nothing but links.
    LinksOnly,
}

/// A name that no app has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the demo has no such app")]
pub struct UnknownApp;

impl App {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Newest, Self::Older, Self::LinksOnly];

    /// Its name in the form.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Newest => "newest",
            Self::Older => "older",
            Self::LinksOnly => "links",
        }
    }

    /// What the menu says.
    pub fn label(self) -> &'static str {
        match self {
            Self::Newest => "is up to date",
            Self::Older => "is older, or was silent for a day",
            Self::LinksOnly => "takes links only",
        }
    }

    /// The words of the create call (docs/channels.md).
    pub fn capabilities(self, channel: Channel) -> &'static [&'static str] {
        match (channel, self) {
            (Channel::Apple, Self::Newest) => &["auth", "auth2"],
            (Channel::Apple, Self::Older) => &["auth"],
            (Channel::Apple, Self::LinksOnly) => &["list"],
            (Channel::Messenger, Self::Newest) => &["account_link"],
            (Channel::Messenger, _) => &["web"],
            (Channel::Rcs, Self::Newest) => &["rcs"],
            (Channel::Rcs, _) => &["mms"],
            (Channel::Whatsapp, Self::Older) => &["template_only"],
            _ => &[],
        }
    }
}

impl fmt::Display for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for App {
    type Err = UnknownApp;

    fn from_str(name: &str) -> Result<Self, UnknownApp> {
        Self::ALL.into_iter().find(|app| app.as_str() == name).ok_or(UnknownApp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_as_it_is_written() {
        for app in App::ALL {
            assert_eq!(app.to_string().parse(), Ok(app));
        }
        assert_eq!("another".parse::<App>(), Err(UnknownApp));
    }
}
