//! A tenant's accounts at messaging channels: what its messages name, what signs the webhooks of a
//! channel, and what our own calls there need.

use url::Url;

use crate::secret::Secret;

use super::conversation::Channel;

/// Which of Apple's two sign-in flows a tenant uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AppleFlow {
    /// The newer one where the device says `auth2`, else the older one.
    Auto,
    /// The older one only.
    Older,
    /// The newer one only. Apple wants it from every platform since 2022.
    #[default]
    Newer,
}

impl AppleFlow {
    /// Every choice.
    pub const ALL: [Self; 3] = [Self::Newer, Self::Older, Self::Auto];

    /// The word in settings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Newer => "v2",
            Self::Older => "v1",
            Self::Auto => "auto",
        }
    }
}

/// What a reply to a message of Apple's newer flow must bring, so that it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AppleProof {
    /// The number that only our success page told the sheet: whoever replies sat in front of the sign-in.
    #[default]
    Number,
    /// The word `success`, which every page can make a sheet say.
    Status,
}

impl AppleProof {
    /// Every choice.
    pub const ALL: [Self; 2] = [Self::Number, Self::Status];

    /// The word in settings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Status => "status",
        }
    }
}

/// A tenant's account for Messages for Business.
#[derive(Debug, Clone)]
pub struct AppleBusiness {
    /// The business id: the `sourceId` of its messages.
    pub business_id: String,
    /// Our id as a messaging platform: the audience of Apple's webhooks, and who makes our own calls.
    pub platform_id: String,
    /// The account's secret as Apple shows it, in base64.
    pub secret: Secret,
    /// Which flow it uses.
    pub flow: AppleFlow,
    /// What a reply must bring (newer flow).
    pub proof: AppleProof,
    /// The version of a message of the newer flow.
    pub version: String,
    /// The client identifier that stands in Apple's register beside our URLs.
    pub client_id: String,
    /// Where Apple's gateway is, without a slash at the end.
    pub gateway: Url,
}

/// A tenant's account at one of Meta's channels: a page, a professional account or a phone number.
#[derive(Debug, Clone)]
pub struct MetaAccount {
    /// The id that its webhooks name: of the page, the account, or the phone number.
    pub id: String,
    /// What signs its webhooks.
    pub app_secret: Secret,
    /// What Meta must know when it asks whether our URL is right.
    pub verify_token: Option<Secret>,
    /// What our own calls at Meta carry; without it there is no account linking.
    pub access_token: Option<Secret>,
    /// Where the Graph API is, with its version and without a slash at the end.
    pub graph: Url,
    /// A template that Meta approved (WhatsApp): its name and its language as Meta writes it.
    pub template: Option<(String, String)>,
}

/// A tenant's accounts; none of a channel that it uses through its platform only.
#[derive(Debug, Clone, Default)]
pub struct Accounts {
    /// Apple Messages for Business.
    pub apple: Option<AppleBusiness>,
    /// Messenger.
    pub messenger: Option<MetaAccount>,
    /// Instagram.
    pub instagram: Option<MetaAccount>,
    /// WhatsApp.
    pub whatsapp: Option<MetaAccount>,
}

impl Accounts {
    /// The account at one of Meta's channels.
    pub fn meta(&self, channel: Channel) -> Option<&MetaAccount> {
        match channel {
            Channel::Messenger => self.messenger.as_ref(),
            Channel::Instagram => self.instagram.as_ref(),
            Channel::Whatsapp => self.whatsapp.as_ref(),
            _ => None,
        }
    }

    /// Whether Messenger can tell us who pressed *Log In*.
    pub fn links_accounts(&self) -> bool {
        self.messenger.as_ref().is_some_and(|page| page.access_token.is_some())
    }
}
