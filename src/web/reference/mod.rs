//! The readable description of the API: `/docs` with what holds for all of it, and a page per group
//! of endpoints. It is drawn from the same document as `/openapi.json`, without JavaScript and
//! without anybody else's files.
//!
//! To add something to the pages: 1. describe it (`openapi/`): the pages follow, 2. if it is a kind
//! that they do not show yet, its view in `book` or `types`, 3. its place in `templates/reference/`.

mod book;
mod curl;
mod prose;
mod types;

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use askama::Template;
use axum::extract::{Request, State};
use axum::http::Method;
use axum::response::Response;

use super::Web;
use super::openapi::{self, asked_origin};
use super::page::{self, Notice};
use super::segment::Segment;
use super::visit::Visit;

use book::{Book, Group};

/// What stands in the pages where the tenant's own origin goes.
const HERE: &str = "https://server.invalid";

/// Every page, drawn once: the first one has no group.
static PAGES: LazyLock<BTreeMap<Option<String>, String>> = LazyLock::new(draw);

#[derive(Template)]
#[template(path = "reference/home.html")]
struct Home<'a> {
    frame: Frame<'a>,
    here: &'static str,
}

#[derive(Template)]
#[template(path = "reference/group.html")]
struct GroupPage<'a> {
    frame: Frame<'a>,
    group: &'a Group,
}

/// What all pages share.
struct Frame<'a> {
    book: &'a Book,
    /// The group that the page shows; none on the first page.
    slug: &'a str,
    stylesheets: [&'static str; 2],
    icon: &'static str,
}

/// `GET /docs`: what holds for the whole API.
pub async fn home(visit: Visit, State(web): State<Arc<Web>>, request: Request) -> Response {
    show(&visit, &web, &request, None)
}

/// `GET /docs/{group}`: a group of endpoints.
pub async fn group(
    visit: Visit,
    State(web): State<Arc<Web>>,
    Segment(slug): Segment,
    request: Request,
) -> Response {
    show(&visit, &web, &request, Some(&slug))
}

fn show(visit: &Visit, web: &Web, request: &Request, group: Option<&String>) -> Response {
    if visit.method != Method::GET && visit.method != Method::HEAD {
        return visit.wrong_method("GET, HEAD");
    }
    match (PAGES.get(&group.cloned()), asked_origin(web, request)) {
        (Some(drawn), Ok(origin)) => page::public(drawn.replace(HERE, &origin), web.https),
        _ => visit.notice(Notice::Unknown),
    }
}

fn draw() -> BTreeMap<Option<String>, String> {
    let document = serde_json::to_value(openapi::document(HERE)).expect("a description is JSON");
    let book = Book::of(&document);
    let frame = |slug| Frame {
        book: &book,
        slug,
        stylesheets: [page::stylesheet(), page::reference_stylesheet()],
        icon: page::icon(),
    };
    let drawn = |page: &dyn Fn() -> askama::Result<String>| {
        page().expect("a template writes to memory, which does not fail")
    };
    let home = Home { frame: frame(""), here: HERE };
    let groups = book.groups.iter().map(|group| {
        let page = GroupPage { frame: frame(&group.slug), group };
        (Some(group.slug.clone()), drawn(&|| page.render()))
    });
    std::iter::once((None, drawn(&|| home.render()))).chain(groups).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_is_small_and_names_nothing_outside() {
        assert!(PAGES.len() > 5);
        for (slug, page) in &*PAGES {
            assert!(page.len() < 120_000, "{slug:?}: {}", page.len());
            for outside in ["<script", " style=", "<iframe", "<img", " onclick"] {
                assert!(!page.contains(outside), "{slug:?}: {outside}");
            }
            for link in page.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
                let inside = link.starts_with('#') || link.starts_with("/docs") || link == "/openapi.json";
                assert!(inside || link.starts_with("/assets/"), "{slug:?}: {link}");
            }
        }
    }

    #[test]
    fn every_anchor_that_is_named_is_there_once() {
        for (slug, page) in &*PAGES {
            let ids: Vec<_> =
                page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
            for (at, id) in ids.iter().enumerate() {
                assert!(!ids[..at].contains(id), "{slug:?}: `{id}` stands twice");
            }
            for link in page.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
                let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
                let page = match path {
                    "" => Some(page),
                    path => path
                        .strip_prefix("/docs")
                        .map(|rest| &PAGES[&rest.strip_prefix('/').map(str::to_owned)]),
                };
                if let (Some(page), false) = (page, anchor.is_empty()) {
                    assert!(page.contains(&format!(" id=\"{anchor}\"")), "{slug:?}: {link} leads nowhere");
                }
            }
        }
    }
}
