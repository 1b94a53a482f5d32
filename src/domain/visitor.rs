//! Who fetches a page, as far as its `User-Agent` says: a robot that makes a preview, or a person, perhaps inside of
//! an app. Anybody can write anything there, and some previews come as plain browsers: it is good for choosing
//! what to show and for not counting an opening, never for refusing anybody and never for safety.

use url::Url;

/// Who fetches a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visitor {
    /// A person in a browser.
    Person,
    /// A person in the browser of an app, where some providers sign nobody in.
    InApp(App),
    /// A preview or a scanner.
    Robot,
}

/// An app that opens links in a browser of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the apps' own")]
pub enum App {
    Facebook,
    Messenger,
    Instagram,
    Line,
    WeChat,
    /// Any other one on Android.
    Android,
}

/// Words of people, looked for first: a person is never taken for a robot.
const APPS: &[(&str, App)] = &[
    ("instagram", App::Instagram),
    ("fban/messenger", App::Messenger),
    ("fb_iab/orca", App::Messenger),
    ("fban/", App::Facebook),
    ("fbav/", App::Facebook),
    ("fb_iab/", App::Facebook),
    ("metaiab", App::Facebook),
    (" line/", App::Line),
    ("micromessenger", App::WeChat),
    ("; wv)", App::Android),
];

/// Words of robots that follow links in messages.
const ROBOTS: &[&str] = &[
    "applebot",
    "bingpreview",
    "discordbot",
    "embedly",
    "facebookexternalhit",
    "facebot",
    "google-pagerenderer",
    "google-read-aloud",
    "google-safety",
    "iframely",
    "linespider",
    "linkedinbot",
    "meta-externalfetcher",
    "meta-externalhit",
    "pinterestbot",
    "redditbot",
    "skypeuripreview",
    "slack-imgproxy",
    "slackbot",
    "snap url preview",
    "telegrambot",
    "twitterbot",
    "viber",
    "vkshare",
    "whatsapp/",
    "yahoo link preview",
];

impl Visitor {
    /// Who sends a `User-Agent`. Without one it is a robot: every browser sends it.
    pub fn of(user_agent: Option<&str>) -> Self {
        let agent = user_agent.unwrap_or_default().to_ascii_lowercase();
        if let Some((_, app)) = APPS.iter().find(|(word, _)| agent.contains(word)) {
            return Self::InApp(*app);
        }
        if agent.trim().is_empty() || ROBOTS.iter().any(|word| agent.contains(word)) {
            return Self::Robot;
        }
        Self::Person
    }
}

/// A link that opens a page in the phone's own browser, where there is one: LINE reads it from the query, Android
/// from an intent that falls back to the page itself. Elsewhere nothing can force it, and the page must say how.
pub fn build_way_out(app: App, user_agent: &str, page: &Url) -> Option<String> {
    let is_android = user_agent.to_ascii_lowercase().contains("android");
    if app == App::Line {
        let mut page = page.clone();
        page.query_pairs_mut().append_pair("openExternalBrowser", "1");
        return Some(page.into());
    }
    if !is_android || !matches!(page.scheme(), "https" | "http") {
        return None;
    }
    let rest = page.as_str().strip_prefix(page.scheme())?.strip_prefix("://")?;
    let rest = rest.split('#').next().unwrap_or(rest);
    let fallback: String = url::form_urlencoded::byte_serialize(page.as_str().as_bytes()).collect();
    Some(format!(
        "intent://{rest}#Intent;scheme={};action=android.intent.action.VIEW;\
         category=android.intent.category.BROWSABLE;S.browser_fallback_url={fallback};end",
        page.scheme()
    ))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    #[test]
    fn every_visitor_of_the_fixtures_is_who_it_says() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/visitors.json");
        let cases: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        for case in cases.as_array().unwrap() {
            let visitor = Visitor::of(case["agent"].as_str());
            assert_eq!(format!("{visitor:?}"), case["is"].as_str().unwrap(), "{}", case["agent"]);
        }
    }

    #[test]
    fn every_word_of_a_robot_is_known_alone_and_in_any_case() {
        for word in ROBOTS {
            assert_eq!(Visitor::of(Some(word)), Visitor::Robot, "{word}");
            assert_eq!(Visitor::of(Some(&word.to_uppercase())), Visitor::Robot, "{word}");
        }
        for (word, app) in APPS {
            assert_eq!(Visitor::of(Some(&format!("x {word}"))), Visitor::InApp(*app), "{word}");
        }
    }

    #[test]
    fn the_way_out_is_each_apps_own_or_there_is_none() {
        let page: Url = "https://acme.example.com/a/x?y=1#z".parse().unwrap();
        assert_eq!(
            build_way_out(App::Line, "Mozilla/5.0 (iPhone) Line/13.0", &page).unwrap(),
            "https://acme.example.com/a/x?y=1&openExternalBrowser=1#z"
        );
        assert_eq!(
            build_way_out(App::Instagram, "Mozilla/5.0 (Linux; Android 15) Instagram", &page).unwrap(),
            "intent://acme.example.com/a/x?y=1#Intent;scheme=https;action=android.intent.action.VIEW;\
             category=android.intent.category.BROWSABLE;\
             S.browser_fallback_url=https%3A%2F%2Facme.example.com%2Fa%2Fx%3Fy%3D1%23z;end"
        );
        assert_eq!(build_way_out(App::Instagram, "Mozilla/5.0 (iPhone) Instagram", &page), None);
        let odd: Url = "javascript:alert(1)".parse().unwrap();
        assert_eq!(build_way_out(App::Android, "Android", &odd), None);
    }

    proptest! {
        #[test]
        fn anything_is_somebody(agent in "\\PC{0,120}") {
            let _ = Visitor::of(Some(&agent));
        }

        #[test]
        fn an_intent_has_one_end(path in "[a-z;#=%/?&]{0,30}") {
            let page: Url = format!("https://acme.example.com/{path}").parse().unwrap();
            let intent = build_way_out(App::Android, "Android", &page).unwrap();
            prop_assert_eq!(intent.matches("#Intent;").count(), 1);
            prop_assert_eq!(intent.matches('#').count(), 1);
        }
    }
}
