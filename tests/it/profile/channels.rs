//! Auth messages against a file per channel.

use countersign::channel::{MessageInput, render};
use countersign::domain::conversation::Channel;
use serde_json::Value;

use super::all_in;

const LINK: &str = "https://acme.example.com/a/Zm9vYmFyYmF6cXV4Zm9vYg";

#[test]
fn every_channel_has_a_fixture_and_renders_as_it_says() {
    let files = all_in("channel");
    for channel in Channel::ALL {
        let (_, file) = files
            .iter()
            .find(|(name, _)| name == channel.as_str())
            .unwrap_or_else(|| panic!("`fixtures/channel/{channel}.json` is missing"));
        let cases = file.as_array().unwrap();
        assert!(!cases.is_empty(), "{channel}");
        for case in cases {
            let text = |key: &str| case.get(key).and_then(Value::as_str);
            let message = render(&MessageInput {
                channel,
                tenant_name: text("tenant_name").unwrap_or("Acme Bank"),
                provider_label: "Acme online",
                link_url: LINK,
                locale: text("locale").unwrap_or("en"),
                wording: text("wording"),
            });
            let (name, expect) = (&case["name"], &case["expect"]);
            assert_eq!(message.text, expect["text"], "{channel}: {name}");
            assert_eq!(message.payload, expect["payload"], "{channel}: {name}");
            assert_eq!(Value::from(message.warnings), expect["warnings"], "{channel}: {name}");
        }
    }
    for (name, _) in &files {
        assert!(name.parse::<Channel>().is_ok(), "`fixtures/channel/{name}.json` is no channel's");
    }
}
