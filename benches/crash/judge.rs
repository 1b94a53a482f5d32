//! Afterwards: everything that is stored is compared with what customers saw, with what the provider did for
//! them, and with itself.

use std::collections::{HashMap, HashSet};

use reqwest::StatusCode;
use serde_json::Value;

use super::customer::{Customer, Went};
use super::ledger::Ledger;

/// What was found; all but the first two should be nothing.
#[derive(Debug, Default)]
pub struct Verdict {
    /// Links that are completed.
    pub completed: u64,
    /// Events in the log.
    pub events: u64,
    /// Logins whose success page was shown, and which are not complete.
    pub lost: u64,
    /// Links, contacts, conversations and events that contradict each other.
    pub half: u64,
    /// Contacts or completions that are there twice.
    pub twice: u64,
    /// Event ids that are there twice.
    pub same_ids: u64,
    /// Completed links of whom the provider has told nobody.
    pub unfounded: u64,
    /// Customers of whom more codes were exchanged than the provider gave out.
    pub reused: u64,
    /// The ids of all events, in their order.
    pub ids: Vec<String>,
}

/// Reads everything through the API.
pub async fn judge(customer: &mut Customer, token: &str, everybody: &[Went], ledger: &Ledger) -> Verdict {
    let mut verdict = Verdict::default();
    let events = all_events(customer, token).await;
    let mut known = HashSet::new();
    let mut completions: HashMap<String, u64> = HashMap::new();
    let mut created: HashMap<String, u64> = HashMap::new();
    for event in &events {
        let id = event["id"].as_str().unwrap().to_owned();
        verdict.same_ids += u64::from(!known.insert(id.clone()));
        verdict.ids.push(id);
        let data = &event["data"];
        match event["type"].as_str().unwrap() {
            "auth.completed" => *completions.entry(text(&data["authLinkId"])).or_default() += 1,
            "contact.created" => *created.entry(text(&data["contact"]["id"])).or_default() += 1,
            _ => {}
        }
    }
    verdict.events = events.len() as u64;
    for went in everybody {
        let complete = one(customer, token, went, (&completions, &created), &mut verdict).await;
        let asked = ledger.of(&format!("p{}", went.number));
        let is_founded = asked.codes > 0 && asked.tokens > 0 && asked.whoami > 0;
        verdict.unfounded += u64::from(complete && !is_founded);
        verdict.reused += u64::from(asked.tokens > asked.codes);
        if (complete && !is_founded) || asked.tokens > asked.codes {
            eprintln!("customer {}: the provider was asked {asked:?}", went.number);
        }
    }
    verdict
}

/// One customer: link, contact, conversation and events agree. Whether the link is completed.
async fn one(
    customer: &mut Customer,
    token: &str,
    went: &Went,
    (completions, created): (&HashMap<String, u64>, &HashMap<String, u64>),
    verdict: &mut Verdict,
) -> bool {
    let Went { number, link: id, .. } = went;
    let link = read(customer, token, &format!("/v1/auth-links/{id}")).await;
    let contacts = read(customer, token, &format!("/v1/contacts?email=p{number}@example.com")).await;
    let conversation = read(customer, token, &format!("/v1/conversations/conv-{number}")).await;
    let contacts = contacts["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    let complete = link["status"] == "completed";
    let one = u64::from(complete);
    let told = completions.get(id).copied().unwrap_or(0);
    verdict.completed += one;
    verdict.lost += u64::from(went.shown && !complete);
    verdict.twice += u64::from(told > 1 || contacts.len() > 1);
    let contact = contacts.first().map(|contact| text(&contact["id"]));
    let agree = told.min(1) == one
        && contacts.len().min(1) as u64 == one
        && (conversation["verified"] == true) == complete
        && link.get("profile").is_some() == complete
        && contact.as_ref().is_none_or(|contact| {
            link["contactId"] == **contact
                && conversation["contactId"] == **contact
                && created.get(contact) == Some(&1)
        });
    if !agree {
        eprintln!("customer {number}: {link} {contacts:?} {conversation} told {told} times");
    }
    verdict.half += u64::from(!agree);
    complete
}

async fn all_events(customer: &mut Customer, token: &str) -> Vec<Value> {
    let mut events = Vec::new();
    let mut after = String::new();
    loop {
        let page = read(customer, token, &format!("/v1/events?limit=200&after={after}")).await;
        events.extend(page["items"].as_array().unwrap().iter().cloned());
        match page["next"].as_str() {
            Some(next) => next.clone_into(&mut after),
            None => return events,
        }
    }
}

async fn read(customer: &mut Customer, token: &str, path: &str) -> Value {
    let get = |http: &reqwest::Client, origin: &str| http.get(format!("{origin}{path}")).bearer_auth(token);
    customer.until(&[StatusCode::OK, StatusCode::NOT_FOUND], get).await.1
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
