//! What is never called: a socket listens where the call would lead, and hears nothing.

use std::io::ErrorKind;
use std::net::TcpListener;

use rstest::rstest;

use countersign::domain::ids::TenantId;
use countersign::egress::error::{EgressError, Refusal};

use super::server::{Server, ok};
use super::{LONG, client, client_for, fetch, get, resolving_to, tenant, within};

/// A socket that must stay alone.
struct Silence(TcpListener);

impl Silence {
    fn on(address: &str) -> Self {
        let listener = TcpListener::bind((address, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        Self(listener)
    }

    fn port(&self) -> u16 {
        self.0.local_addr().unwrap().port()
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        // The kernel completes a connection before it is accepted, so none can be missed here.
        assert_eq!(self.0.accept().map(|_| ()).map_err(|error| error.kind()), Err(ErrorKind::WouldBlock));
    }
}

fn is_address(error: &EgressError) -> bool {
    matches!(error, EgressError::Refused(Refusal::Address { .. }))
}

#[rstest]
#[case("127.0.0.1")]
#[case("127.1")]
#[case("0x7f000001")]
#[case("[::ffff:127.0.0.1]")]
#[case("0.0.0.0")]
#[tokio::test]
async fn a_literal_in_a_refused_range_hears_nothing(#[case] host: &str) {
    let silence = Silence::on("127.0.0.1");
    let client = client(vec![silence.port()], &[], &resolving_to(&["127.0.0.1"]));
    let error = fetch(&client, &format!("https://{host}:{}/", silence.port())).await.unwrap_err();
    assert!(is_address(&error), "{host}: {error}");
}

#[rstest]
#[case::private(&["127.0.0.1"])]
#[case::mapped(&["::ffff:127.0.0.1"])]
#[case::mixed(&["127.0.0.1", "1.1.1.1"])]
#[case::mixed_the_other_way(&["1.1.1.1", "127.0.0.1"])]
#[tokio::test]
async fn a_name_that_leads_inward_hears_nothing(#[case] records: &[&str]) {
    let silence = Silence::on("127.0.0.1");
    let client = client(vec![silence.port()], &[], &resolving_to(records));
    let error = fetch(&client, &format!("https://evil.test:{}/", silence.port())).await.unwrap_err();
    assert!(is_address(&error), "{error}");
}

#[tokio::test]
async fn a_listed_name_that_leads_to_metadata_is_not_called() {
    let client = client(Vec::new(), &["evil.test:80".to_owned()], &resolving_to(&["169.254.169.254"]));
    let error = fetch(&client, "http://evil.test/").await.unwrap_err();
    assert!(is_address(&error), "{error}");
}

#[tokio::test]
async fn a_listed_port_opens_no_other_port_of_its_host() {
    let server = Server::answering(ok("", b"{}")).await;
    let silence = Silence::on("127.0.0.1");
    let listed = [server.listed(), vec![format!("provider.test:{}", server.port())]].concat();
    let client = client(vec![silence.port()], &listed, &resolving_to(&["127.0.0.1"]));
    assert!(fetch(&client, &format!("http://provider.test:{}/", server.port())).await.is_ok());
    for host in ["127.0.0.1", "provider.test"] {
        let error = fetch(&client, &format!("https://{host}:{}/", silence.port())).await.unwrap_err();
        assert!(is_address(&error), "{host}: {error}");
        let plain = fetch(&client, &format!("http://{host}:{}/", silence.port())).await.unwrap_err();
        assert_eq!(plain, EgressError::Refused(Refusal::Scheme("http".to_owned())));
    }
}

#[tokio::test]
async fn an_entry_of_one_tenant_serves_no_other() {
    let server = Server::answering(ok("", b"{}")).await;
    let other: TenantId = "other".parse().unwrap();
    let client = client_for(&[format!("acme=127.0.0.1:{}", server.port())]);
    let refused = client.send(&other, &get(&server.url()), within(LONG)).await.unwrap_err();
    assert_eq!(refused, EgressError::Refused(Refusal::Scheme("http".to_owned())));
    assert_eq!(server.connections(), 0);
    assert!(client.send(&tenant(), &get(&server.url()), within(LONG)).await.is_ok());
    // The connection that is open now is no way around the list.
    assert!(client.send(&other, &get(&server.url()), within(LONG)).await.is_err());
}
