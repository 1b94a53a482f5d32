//! Auth messages against a folder of cases per channel: what goes in, and the exact JSON that comes out.

use countersign::channel::apple::{Ask, RequestIdentifier, Way};
use countersign::channel::{
    AppleAccount, AppleFlow, Capabilities, Carrier, Embed, Means, MessageInput, Template, render,
};
use countersign::domain::conversation::Channel;
use countersign::secret::Secret;
use serde_json::Value;

use super::{all_in, fixtures};

const LINK: &str = "https://acme.example.com/a/Zm9vYmFyYmF6cXV4Zm9vYg";
const ID: &str = "al_00000000000000000000000000000007";

fn text<'a>(from: &'a Value, key: &str) -> Option<&'a str> {
    from.get(key).and_then(Value::as_str)
}

fn texts(from: &Value, key: &str) -> Vec<String> {
    let items = from.get(key).and_then(Value::as_array).into_iter().flatten();
    items.map(|item| item.as_str().unwrap().to_owned()).collect()
}

fn means(from: &Value) -> Means<'_> {
    let apple = from.get("apple").map(|apple| AppleAccount {
        business_id: text(apple, "business_id").unwrap(),
        flow: match text(apple, "flow") {
            Some("auto") => AppleFlow::Auto,
            Some("older") => AppleFlow::Older,
            _ => AppleFlow::Newer,
        },
        signs_in: apple.get("signs_in").is_none_or(|signs_in| signs_in.as_bool().unwrap()),
    });
    let template = from.get("template").map(|template| Template {
        name: text(template, "name").unwrap(),
        language: text(template, "language").unwrap(),
    });
    let account_linking = from.get("account_linking").is_some_and(|linking| linking.as_bool().unwrap());
    Means { apple, template, account_linking }
}

fn embed(from: &Value) -> Embed<'_> {
    Embed { script: text(from, "script").unwrap(), token: text(from, "token").unwrap() }
}

/// Renders one case. What it does not say is as for Acme Bank.
pub(super) fn rendered(channel: Channel, case: &Value) -> Value {
    let input = &case["input"];
    let (said, scope) = (texts(input, "capabilities"), texts(&input["ask"], "scope"));
    let request = text(&input["ask"], "request").map(|text| RequestIdentifier::parse(text).unwrap());
    let state = Secret::new(text(&input["ask"], "state").unwrap_or_default());
    let way = match text(&input["ask"], "public_key") {
        Some(public_key) => Way::Older { public_key },
        None => Way::Newer { redirect_uri: text(&input["ask"], "redirect_uri").unwrap_or_default() },
    };
    let version = text(&input["ask"], "version");
    let ask = request.as_ref().map(|request| Ask { request, state: &state, scope: &scope, version, way });
    let message = render(&MessageInput {
        tenant_name: text(input, "tenant_name").unwrap_or("Acme Bank"),
        provider_label: "Acme online",
        link_id: ID,
        rendering: input.get("rendering").map_or(0, |times| times.as_u64().unwrap().try_into().unwrap()),
        locale: text(input, "locale").unwrap_or("en"),
        wording: text(input, "wording"),
        handle: text(input, "handle"),
        capabilities: Capabilities::new(&said),
        means: input.get("means").map(means).unwrap_or_default(),
        embed: input.get("embed").map(embed),
        ask,
        ..MessageInput::of(channel, text(input, "link").unwrap_or(LINK))
    });
    assert_eq!(message.channel, channel);
    serde_json::json!({
        "carrier": message.carrier,
        "reason": message.reason,
        "text": message.text,
        "payload": message.payload,
        "warnings": message.warnings,
    })
}

#[test]
fn every_channel_has_fixtures_and_renders_as_they_say() {
    let mut carriers = Vec::new();
    for channel in Channel::ALL {
        let cases = all_in(&format!("channel/{channel}"));
        assert!(!cases.is_empty(), "`fixtures/channel/{channel}/` is empty");
        for (name, case) in cases {
            let (rendered, expect) = (rendered(channel, &case), &case["expect"]);
            for part in ["carrier", "reason", "text", "payload", "warnings"] {
                assert_eq!(rendered[part], expect[part], "{channel}/{name}.json: {part}");
            }
            carriers.push(rendered["carrier"].clone());
        }
    }
    for carrier in Carrier::ALL {
        assert!(carriers.contains(&Value::from(carrier.as_str())), "no fixture shows `{carrier}`");
    }
    for entry in std::fs::read_dir(fixtures("channel")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(name.parse::<Channel>().is_ok(), "`fixtures/channel/{name}` is no channel's");
    }
}
