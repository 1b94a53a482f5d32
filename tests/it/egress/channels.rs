//! Calls to channels: a tenant whose channel hangs holds nobody else's places.

use std::future::pending;

use countersign::domain::ids::TenantId;
use countersign::egress::channel::{ChannelCall, ChannelClient};
use countersign::egress::error::EgressError;
use tokio::sync::mpsc;

use super::client_for;
use super::server::{Server, read_request};

const ANSWER: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";

fn call(server: &Server) -> ChannelCall<'static> {
    ChannelCall { url: server.url().parse().unwrap(), headers: Vec::new(), body: None }
}

/// A channel that takes every call and answers none, and tells of each that came.
async fn hanging() -> (Server, mpsc::UnboundedReceiver<()>) {
    let (arrived, arrivals) = mpsc::unbounded_channel();
    let server = Server::start(move |mut stream, requests| {
        let arrived = arrived.clone();
        async move {
            read_request(&mut stream, &requests).await;
            let _ = arrived.send(());
            pending::<()>().await;
        }
    })
    .await;
    (server, arrivals)
}

#[tokio::test]
async fn however_many_tenants_have_channels_that_hang_each_other_one_has_places() {
    let (hanging, mut arrivals) = hanging().await;
    let working = Server::keeping_alive(ANSWER).await;
    let client = client_for(&[hanging.listed(), working.listed()].concat());
    let channels = ChannelClient::beside(&client);
    let mut calls = tokio::task::JoinSet::new();
    for tenant in 0..30 {
        let slow: TenantId = format!("slow-{tenant}").parse().unwrap();
        for _ in 0..8 {
            let (channels, slow, call) = (channels.clone(), slow.clone(), call(&hanging));
            calls.spawn(async move { channels.send(&slow, call).await.map(|answer| answer.status) });
        }
        for _ in 0..2 {
            arrivals.recv().await.unwrap();
        }
    }
    for tenant in 0..3 {
        let quick: TenantId = format!("quick-{tenant}").parse().unwrap();
        let both = tokio::join!(channels.send(&quick, call(&working)), channels.send(&quick, call(&working)));
        assert_eq!((both.0.unwrap().status, both.1.unwrap().status), (200, 200));
    }
    calls.abort_all();
}

#[tokio::test]
async fn a_tenant_whose_channel_hangs_leaves_the_others_their_places() {
    let (hanging, mut arrivals) = hanging().await;
    let working = Server::keeping_alive(ANSWER).await;
    let client = client_for(&[hanging.listed(), working.listed()].concat());
    let channels = ChannelClient::beside(&client);
    let (slow, quick): (TenantId, TenantId) = ("slow".parse().unwrap(), "quick".parse().unwrap());
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let (channels, slow, call) = (channels.clone(), slow.clone(), call(&hanging));
        calls.spawn(async move { channels.send(&slow, call).await.map(|answer| answer.status) });
    }
    for _ in 0..8 {
        arrivals.recv().await.unwrap();
    }
    // All but those that found a place are told soon, and long before the others' time is over.
    for _ in 0..92 {
        assert_eq!(calls.join_next().await.unwrap().unwrap(), Err(EgressError::Timeout));
    }
    assert_eq!((hanging.requests().len(), calls.len()), (8, 8));
    assert_eq!(channels.send(&quick, call(&working)).await.unwrap().status, 200);
    calls.abort_all();
    while calls.join_next().await.is_some() {}
    assert_eq!(channels.send(&slow, call(&working)).await.unwrap().status, 200);
}
