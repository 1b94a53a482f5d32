//! Saved samples on the page of the mapping: saved, accepted as they come out now, deleted.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::flow::settings::samples::{SampleError, Verdict};
use crate::web::Web;
use crate::web::page::clean;
use crate::web::segment::Segment;
use crate::web::staff::{Admin, Moment, OnDuty, Posted, Said, see_other_saying};

use super::form::words::{Html, html, sentence};
use super::mapping::{Bench, page};
use super::opened::{Opened, Problem, open};
use super::shown::{cell, who};

/// A sample as pages show it.
pub struct SampleView {
    /// Its number.
    pub number: u64,
    /// What the admin calls it.
    pub name: String,
    /// When it was saved.
    pub when: Moment,
    /// By whom.
    pub by: String,
    /// Where it is tried.
    pub path: String,
    /// Whether it makes what it must.
    pub passes: bool,
    /// Why nothing could be made of it.
    pub fault: Option<Html>,
    /// Each field that is another: its name, what it must be, what it is.
    pub misses: Vec<(String, String, String)>,
}

impl SampleView {
    /// How a sample is shown.
    pub fn of(duty: &OnDuty<Admin>, opened: &Opened, verdict: &Verdict) -> Self {
        let sample = &verdict.sample;
        let value = |value: &Option<serde_json::Value>| value.as_ref().map_or("nothing".to_owned(), cell);
        let misses = verdict.result.iter().flatten();
        Self {
            number: sample.number,
            name: clean(&sample.name),
            when: duty.local().moment(sample.saved_at),
            by: who(duty, &sample.saved_by),
            path: opened.path(&format!("mapping?sample={}", sample.number)),
            passes: verdict.passes(),
            fault: verdict.result.as_ref().err().map(|error| html(&sentence(&error.to_string()))),
            misses: misses
                .map(|miss| (miss.field.clone(), value(&miss.expected), value(&miss.found)))
                .collect(),
        }
    }
}

/// Saves the answer on the bench, with what its mapping makes of it.
pub async fn save(
    duty: OnDuty<Admin>,
    State(web): State<Arc<Web>>,
    Segment(id): Segment,
    posted: Posted,
) -> Response {
    let opened = match open(&duty, &web, &id).await {
        Ok(opened) => opened,
        Err(page) => return *page,
    };
    let bench = Bench::of(&posted);
    // What is wrong with these the page says beside them.
    let (Ok(answers), Ok(mapping)) = (bench.answers(), bench.mapping()) else {
        return page(&duty, &web, &opened, bench, None).await;
    };
    let sample = (bench.name.as_str(), &answers, mapping);
    let saved = web.broker.save_sample(duty.tenant(), opened.id(), sample, &duty.actor()).await;
    after(&duty, &web, &opened, bench, saved, Said::SampleSaved).await
}

/// From now on a sample must make what it makes now.
pub async fn accept(
    duty: OnDuty<Admin>,
    State(web): State<Arc<Web>>,
    Segment(id): Segment,
    posted: Posted,
) -> Response {
    let opened = match open(&duty, &web, &id).await {
        Ok(opened) => opened,
        Err(page) => return *page,
    };
    let Ok(number) = posted.text("sample").parse() else { return duty.missing() };
    let accepted = web.broker.accept_sample(duty.tenant(), opened.id(), number, &duty.actor()).await;
    after(&duty, &web, &opened, Bench::default(), accepted, Said::SampleAccepted).await
}

/// Deletes a sample.
pub async fn delete(
    duty: OnDuty<Admin>,
    State(web): State<Arc<Web>>,
    Segment(id): Segment,
    posted: Posted,
) -> Response {
    let opened = match open(&duty, &web, &id).await {
        Ok(opened) => opened,
        Err(page) => return *page,
    };
    let Ok(number) = posted.text("sample").parse() else { return duty.missing() };
    let deleted = web.broker.delete_sample(&duty.tenant().id, opened.id(), number, &duty.actor()).await;
    after(&duty, &web, &opened, Bench::default(), deleted, Said::SampleDeleted).await
}

async fn after(
    duty: &OnDuty<Admin>,
    web: &Web,
    opened: &Opened,
    bench: Bench,
    done: Result<u64, SampleError>,
    said: Said,
) -> Response {
    match done {
        Ok(_) => see_other_saying(&opened.path("mapping"), said),
        Err(SampleError::Unknown) => duty.missing(),
        Err(SampleError::Store(error)) => duty.unavailable(&error),
        Err(error) => {
            let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, &error.to_string());
            page(duty, web, opened, bench, Some(problem)).await
        }
    }
}
