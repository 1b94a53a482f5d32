//! How staff come in, who they are, and how they go: codes by email, the tenant's provider, invitations, the list of staff,
//! and the mail that goes out.
//!
//! To add a way in: 1. its journey in a file here, 2. what must never leak of it in `canary`, 3. its page in `pages`.

#[cfg(test)]
mod account;
#[cfg(test)]
mod admin_pages;
#[cfg(test)]
mod api;
#[cfg(test)]
mod canary;
#[cfg(test)]
mod codes;
#[cfg(test)]
mod command_line;
#[cfg(test)]
mod doctor;
#[cfg(test)]
mod invitations;
#[cfg(test)]
mod mail;
pub mod mail_server;
#[cfg(test)]
mod pages;
#[cfg(test)]
mod provider;

use std::path::{Path, PathBuf};

use reqwest::StatusCode;
use url::Url;

use crate::harness::browser::{Browser, Page};
use crate::harness::{Choices, Harness, eventually};

/// A broker whose letters go into a folder.
pub struct Office {
    pub broker: Harness,
    letters: tempfile::TempDir,
}

impl Office {
    pub async fn start() -> Self {
        Self::with(Choices::default()).await
    }

    pub async fn with(choices: Choices) -> Self {
        let letters = tempfile::tempdir().unwrap();
        let main = main_file(letters.path(), choices.main.as_deref().unwrap_or_default());
        let broker = Harness::with(Choices { main: Some(main), ..choices }).await;
        Self { broker, letters }
    }

    /// A page of the tenant.
    pub fn url(&self, path: &str) -> Url {
        format!("{}{path}", self.broker.origin).parse().unwrap()
    }

    /// Every letter so far, whole, in the order in which they were written.
    pub fn letters(&self) -> Vec<String> {
        letters_in(self.letters.path())
    }

    /// The next letter beyond so many.
    pub async fn letter(&self, beyond: usize) -> String {
        eventually("a letter comes", async || self.letters().get(beyond).cloned()).await
    }

    /// Asks for a code, with a fresh browser; the page that asks for it.
    pub async fn ask(&self, browser: &mut Browser, email: &str, next: &str) -> Page {
        let page = browser.get(&self.url(&format!("/signin?next={next}"))).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.html);
        let form = form_to(&page, "/signin/email");
        let sent = browser.submit(&page, &form, &[("email", email)]).await;
        if sent.status != StatusCode::SEE_OTHER {
            return sent;
        }
        browser.get(&sent.location()).await
    }

    /// Types a code into the page that asks for it; the answer is not followed.
    pub async fn type_code(&self, browser: &mut Browser, page: &Page, code: &str) -> Page {
        browser.submit(page, &form_to(page, "/signin/code"), &[("code", code)]).await
    }

    /// The whole way of a code, to the redirect at its end.
    pub async fn sign_in_by_code(&self, browser: &mut Browser, email: &str, next: &str) -> Page {
        let before = self.letters().len();
        let page = self.ask(browser, email, next).await;
        let code = code_of(&self.letter(before).await);
        self.type_code(browser, &page, &code).await
    }
}

/// Settings with letters in a folder, and more.
pub fn main_file(letters: &Path, more: &str) -> String {
    format!(
        "[mail]\nurl = \"file:{}\"\nfrom = \"Acme sign-in <no-reply@acme.example>\"\n{more}\n",
        letters.display()
    )
}

/// The letters in a folder, in the order of their times.
pub fn letters_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    // One that is being written has a dot in front of its name.
    let is_whole = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.ends_with(".eml") && !name.starts_with('.')
    };
    let mut files: Vec<PathBuf> = entries.filter(is_whole).collect();
    // Their names are UUIDs of version 7, whose order is that of time.
    files.sort();
    files.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect()
}

/// The six digits of a letter.
pub fn code_of(letter: &str) -> String {
    let text = letter.split("\r\n").find(|line| line.contains(" is your sign-in code")).unwrap();
    text.split(' ').next().unwrap().to_owned()
}

/// The form of a page that is sent to this path.
pub fn form_to(page: &Page, action: &str) -> crate::harness::page::Form {
    let forms = crate::harness::page::forms(&page.html);
    forms
        .into_iter()
        .find(|form| form.action == action)
        .unwrap_or_else(|| panic!("no form to {action} in {}", page.html))
}

/// Another code than this one.
pub fn another(code: &str) -> String {
    let number: u32 = code.parse().unwrap();
    format!("{:06}", (number + 1) % 1_000_000)
}
