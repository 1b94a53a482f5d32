//! Pages that every member of staff has, looked at closely.

use countersign::domain::staff::Role;

use super::inspector::Inspector;
use crate::harness::Harness;

#[tokio::test]
async fn the_account_is_fit_to_be_seen() {
    let harness = Harness::start().await;
    let mut inspector = Inspector::signed_in(&harness, Role::Admin).await;
    inspector.look_at(&harness, "/account", "account").await;
    inspector.browser.hold_staff(&harness, Role::Agent).await;
    inspector.look_at(&harness, "/account?said=saved", "account-of-an-agent").await;
}
