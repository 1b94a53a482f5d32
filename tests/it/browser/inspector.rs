//! Looks at a page as it stands: at every width, in the dark, from right to left, with axe-core, and how heavy it is.
//! With `COUNTERSIGN_SCREENSHOTS=<folder>` the pictures are kept.

use std::path::PathBuf;

use countersign::domain::staff::Role;
use serde_json::json;

use super::catalogue;
use super::chromium::{Chromium, Scripts};
use crate::harness::Harness;

/// What a picture is called, how wide the window is, whether it is dark, and from where to where it is read.
/// 320 pixels are also what 1,280 are at a zoom of 400 %.
const LOOKS: [(&str, u32, bool, &str); 6] = [
    ("wide", 1280, false, "ltr"),
    ("wide-dark", 1280, true, "ltr"),
    ("wide-rtl", 1280, false, "rtl"),
    ("narrow", 390, false, "ltr"),
    ("narrow-dark", 390, true, "ltr"),
    ("tiny", 320, false, "ltr"),
];
/// Those in which customers come: most of them by phone. Real Arabic and every language are in `pictures`.
const LOOKS_OF_CUSTOMERS: [(&str, u32, bool, &str); 3] =
    [("narrow", 390, false, "ltr"), ("tiny", 320, false, "ltr"), ("wide-dark", 1280, true, "ltr")];
/// In which looks axe-core asks: colours differ by day and night, sizes and order by the width.
const ASKED: [&str; 3] = ["wide", "wide-dark", "narrow"];
/// What no page may weigh more than, compressed, with its styles and scripts.
const HEAVIEST: u64 = 60_000;
/// The same for a page of customers.
const HEAVIEST_OF_CUSTOMERS: u64 = 12_000;

/// A member of staff who looks closely at every page.
pub struct Inspector {
    /// The browser.
    pub browser: Chromium,
    folder: Option<PathBuf>,
    /// The names of what was looked at.
    pub seen: Vec<String>,
}

impl Inspector {
    /// A browser in which a member with this role is signed in.
    pub async fn signed_in(harness: &Harness, role: Role) -> Self {
        let inspector = Self::start().await;
        inspector.browser.hold_staff(harness, role).await;
        inspector
    }

    /// A browser in which nobody is signed in.
    pub async fn start() -> Self {
        let browser = Chromium::start(Scripts::On).await;
        let folder = std::env::var_os("COUNTERSIGN_SCREENSHOTS").map(PathBuf::from);
        if let Some(folder) = &folder {
            std::fs::create_dir_all(folder).unwrap();
        }
        let inspector = Self { browser, folder, seen: Vec::new() };
        // The window's own size changes when the browser shows its bars; a page in the middle would move along.
        inspector.dress(1280, false, "ltr").await;
        inspector
    }

    /// Loads a page and looks at it.
    pub async fn look_at(&mut self, harness: &Harness, path: &str, name: &str) {
        self.browser.open(&format!("{}{path}", harness.origin)).await;
        self.look(name).await;
    }

    /// Looks at a page whose status is no success, of which the browser's console speaks.
    pub async fn look_at_refusal(&mut self, name: &str) {
        self.browser.console().await;
        self.look(name).await;
    }

    /// Looks at the page that is shown: a state of the [`catalogue`].
    pub async fn look(&mut self, name: &str) {
        catalogue::check(name, self.browser.url().await.path());
        self.inspect(name, &LOOKS).await;
    }

    /// Looks at a page of customers that is not in the catalogue.
    pub async fn look_as_customer(&mut self, name: &str) {
        self.inspect(name, &LOOKS_OF_CUSTOMERS).await;
    }

    /// Looks at the page that is shown, in every look: nothing moved while it was loaded, nothing sticks out at the
    /// side, axe-core finds nothing, the console has no line, and the page is small.
    async fn inspect(&mut self, name: &str, looks: &[(&str, u32, bool, &str)]) {
        let mut faults = Vec::new();
        let moved = self.moved().await;
        faults.extend(moved.into_iter().map(|what| format!("{name}: moves while it is loaded: {what}")));
        for &(look, width, dark, direction) in looks {
            self.dress(width, dark, direction).await;
            let measure =
                "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
            let over = self.browser.driver().execute(measure, vec![]).await.unwrap();
            let over = over.json().as_f64().unwrap();
            if over > 0.0 {
                faults.push(format!(
                    "{name}, {look}: sticks out by {over} pixels at {width}: {}",
                    self.widest().await
                ));
            }
            let place = "const box = document.body.getBoundingClientRect();
                return [box.left, box.right - document.documentElement.clientWidth, scrollX]";
            let place = self.browser.driver().execute(place, vec![]).await.unwrap();
            if place.json() != &json!([0, 0, 0]) {
                faults.push(format!("{name}, {look}: stands at the side: {}", place.json()));
            }
            if ASKED.contains(&look) {
                let found = self.browser.axe().await;
                faults.extend(found.into_iter().map(|fault| format!("{name}, {look}: {fault}")));
            }
            self.picture(name, look).await;
        }
        self.dress(1280, false, "ltr").await;
        // Our pages name their icon; a provider's page that was seen on the way may have none.
        // A refusal is a page of status 403, 409, 422 …, which the browser notes; what a page loads is never refused.
        let is_refusal = |line: &str| line.contains("a status of 4") && !line.contains("/assets/");
        let is_known = |line: &String| line.contains("/favicon.ico") || is_refusal(line);
        let lines = self.browser.console().await.into_iter().filter(|line| !is_known(line));
        faults.extend(lines.map(|line| format!("{name}: console: {line}")));
        faults.extend(self.too_heavy(name).await);
        assert!(faults.is_empty(), "{}", faults.join("\n"));
        self.seen.push(name.to_owned());
    }

    async fn dress(&self, width: u32, dark: bool, direction: &str) {
        let size = json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false});
        self.browser.command("Emulation.setDeviceMetricsOverride", size).await;
        let (scheme, motion) = (if dark { "dark" } else { "light" }, "reduce");
        let media = json!({"features": [
            {"name": "prefers-color-scheme", "value": scheme},
            {"name": "prefers-reduced-motion", "value": motion},
        ]});
        self.browser.command("Emulation.setEmulatedMedia", media).await;
        let turn = format!("document.documentElement.dir = '{direction}'");
        self.browser.driver().execute(&turn, vec![]).await.unwrap();
    }

    /// What has changed its place since the page was loaded, but for what somebody's typing or clicking moved
    /// (<https://www.w3.org/TR/layout-instability/>).
    async fn moved(&self) -> Vec<String> {
        let ask = "const done = arguments[arguments.length - 1];
            const moved = [];
            const note = (entries) => moved.push(...entries.filter((e) => !e.hadRecentInput).flatMap((e) =>
                e.sources.map((s) => `${e.value.toFixed(3)} ${(s.node?.outerHTML ?? 'something').slice(0, 160)}`)));
            const observer = new PerformanceObserver((list) => note(list.getEntries()));
            observer.observe({type: 'layout-shift', buffered: true});
            requestAnimationFrame(() => setTimeout(() => { note(observer.takeRecords()); done(moved); }));";
        let told = self.browser.driver().execute_async(ask, vec![]).await.unwrap();
        serde_json::from_value(told.json().clone()).unwrap()
    }

    /// What the page, its styles, its scripts and its pictures take on the wire, if that is too much. The pages themselves
    /// are not compressed by us (`docs/decisions/2026-11-22-pages-of-staff.md`); they count as a proxy would send them.
    async fn too_heavy(&self, name: &str) -> Option<String> {
        let ask = "const files = new Map(performance.getEntriesByType('resource').map((e) => [e.name, e.encodedBodySize]));
            const ours = [...files].filter(([name]) => new URL(name).pathname.startsWith('/assets/'));
            const styles = [...document.querySelectorAll('link[rel=stylesheet]')].map((link) => link.getAttribute('href'));
            return {files: ours.reduce((sum, [, bytes]) => sum + bytes, 0), styles,
                page: performance.getEntriesByType('navigation')[0].encodedBodySize}";
        let told = self.browser.driver().execute(ask, vec![]).await.unwrap();
        let (told, source) = (told.json().clone(), self.browser.driver().source().await.unwrap());
        let files = told["files"].as_u64().unwrap();
        let weight = files + u64::try_from(compressed(source.as_bytes())).unwrap();
        let is_customers = told["styles"]
            .as_array()
            .unwrap()
            .iter()
            .all(|style| style.as_str().is_some_and(|style| style.starts_with("/assets/page-")));
        let most = if is_customers { HEAVIEST_OF_CUSTOMERS } else { HEAVIEST };
        if let Some(folder) = &self.folder {
            let line = format!("{weight}\t{name}\t{told}\n");
            let file = std::fs::OpenOptions::new().create(true).append(true).open(folder.join("weights.txt"));
            std::io::Write::write_all(&mut file.unwrap(), line.as_bytes()).unwrap();
        }
        if files == 0 {
            return Some(format!("{name}: its files were not weighed"));
        }
        (weight > most)
            .then(|| format!("{name}: {weight} bytes, of which {files} are files; {most} are the most"))
    }

    /// What sticks out, for the message.
    async fn widest(&self) -> String {
        let find = "const width = document.documentElement.clientWidth;
            const out = [...document.body.querySelectorAll('*')].filter((e) => {
                const box = e.getBoundingClientRect();
                return box.width > 0 && (box.right > width + 1 || box.left < -1) && !e.closest('.table-frame, pre, .caret');
            });
            return out.slice(0, 3).map((e) => e.outerHTML.slice(0, 160)).join(' | ')";
        self.browser.driver().execute(find, vec![]).await.unwrap().json().to_string()
    }

    async fn picture(&self, name: &str, look: &str) {
        let Some(folder) = &self.folder else { return };
        let measured = self.browser.command("Page.getLayoutMetrics", json!({})).await;
        // The window is made as high as the page. To capture beyond the window instead moves what is read from right to
        // left to the side, in the picture only.
        let (width, height) =
            (&measured["cssLayoutViewport"]["clientWidth"], &measured["cssContentSize"]["height"]);
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.browser.command("Emulation.setDeviceMetricsOverride", size).await;
        let taken = self.browser.command("Page.captureScreenshot", json!({"format": "png"})).await;
        let bytes = base64::Engine::decode(
            &base64::engine::general_purpose::STANDARD,
            taken["data"].as_str().unwrap(),
        );
        std::fs::write(folder.join(format!("{name}.{look}.png")), bytes.unwrap()).unwrap();
    }
}

/// How many bytes a text takes when it is compressed as servers do it.
fn compressed(bytes: &[u8]) -> usize {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap().len()
}

#[tokio::test]
async fn what_moves_while_a_page_is_loaded_is_noticed() {
    let inspector = Inspector::start().await;
    let late = "<p>a text</p><script>requestAnimationFrame(() => setTimeout(() => {
        const late = document.createElement('div');
        late.id = 'late';
        late.style.height = '300px';
        document.body.prepend(late);
    }, 50))</script>";
    inspector.browser.open(&format!("data:text/html,{}", late.replace('\n', " "))).await;
    inspector.browser.see("#late").await;
    let moved = inspector.moved().await;
    assert!(moved.iter().any(|what| what.contains("<p>")), "{moved:?}");
}
