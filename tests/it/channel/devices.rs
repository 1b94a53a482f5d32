//! The apps on a customer's phone, as far as a link channel goes: each finds in what its channel's API takes what there
//! is to press, and its servers look at the link before anybody does.

use countersign::domain::conversation::Channel;
use serde_json::Value;

/// A customer of a channel.
pub struct Customer {
    /// The address there.
    pub handle: &'static str,
    /// What the channel's servers call themselves when they make a preview.
    pub robot: &'static str,
    /// What the app's own browser calls itself.
    pub browser: &'static str,
}

const PHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                     Version/18.1 Mobile/15E148 Safari/604.1";
const META: &str = "Mozilla/5.0 (Linux; Android 15; Pixel 9 Build/AP4A; wv) AppleWebKit/537.36 (KHTML, like Gecko) \
                    Version/4.0 Chrome/130.0.0.0 Mobile Safari/537.36 [FB_IAB/Orca-Android;FBAV/480.0.0.1;]";

/// Who is there on a channel.
pub fn customer(channel: Channel) -> Customer {
    let (handle, robot, browser) = match channel {
        Channel::Sms => {
            ("+15550100", "Mozilla/5.0 (compatible; Google-Safety; +http://www.google.com/bot.html)", PHONE)
        }
        Channel::Rcs => {
            ("+15550100", "Google-PageRenderer Google (+https://developers.google.com/+/web/snippet/)", PHONE)
        }
        Channel::Whatsapp => ("+15550100", "WhatsApp/2.24.1 A", PHONE),
        Channel::Messenger => {
            ("PSID-1", "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)", META)
        }
        Channel::Instagram => ("IGSID-1", "Meta-ExternalHit/1.1", META),
        Channel::Apple => (
            "urn:mbid:AQAAYEXAMPLE",
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_11_1) AppleWebKit/601.2.4 (KHTML, like Gecko) Version/9.0.1 Safari/601.2.4 facebookexternalhit/1.1 Facebot Twitterbot/1.0",
            PHONE,
        ),
        Channel::Email => ("billy.bob@example.com", "Mozilla/5.0 (compatible; BingPreview/1.0b)", PHONE),
        Channel::Line => ("U4af4980629", "Linespider", PHONE),
        Channel::Telegram => ("4711", "TelegramBot (like TwitterBot)", PHONE),
        Channel::Viber => ("01234567890A=", "Viber", PHONE),
        Channel::Slack => ("U012AB3CD", "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)", PHONE),
        Channel::Teams => {
            ("29:1a2b", "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5", PHONE)
        }
        Channel::Webchat => ("visitor-1", "Iframely/1.3.1", PHONE),
    };
    Customer { handle, robot, browser }
}

/// What the customer presses: the URL of the button, or of the text where there is none.
pub fn pressed(channel: Channel, message: &Value) -> String {
    let payload = &message["payload"];
    let pointer = match channel {
        Channel::Whatsapp => "/interactive/action/parameters/url",
        Channel::Messenger | Channel::Instagram => "/message/attachment/payload/buttons/0/url",
        Channel::Apple => "/richLinkData/url",
        Channel::Rcs => "/contentMessage/suggestions/0/action/openUrlAction/url",
        Channel::Webchat => "/button/url",
        Channel::Email => {
            let html = payload["html"].as_str().unwrap();
            return html.split("href=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        }
        Channel::Sms
        | Channel::Line
        | Channel::Telegram
        | Channel::Viber
        | Channel::Slack
        | Channel::Teams => {
            let text = payload["text"].as_str().unwrap();
            return text.split_whitespace().find(|word| word.starts_with("http")).unwrap().to_owned();
        }
    };
    payload
        .pointer(pointer)
        .unwrap_or_else(|| panic!("no `{pointer}` in {payload}"))
        .as_str()
        .unwrap()
        .to_owned()
}
