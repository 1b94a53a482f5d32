//! The letter with a customer's code, in the looks of the website or app that asked for it.

use std::sync::Arc;

use crate::domain::ids::TenantId;
use crate::flow::Letter;
use crate::secret::Secret;

use super::Web;
use super::page::{LetterLook, code_letter};

/// Writes the letter to an address, once it is known that there is one to be sent: only then it counts. None if the tenant
/// has sent too many lately.
pub fn customer_letter(
    web: &Arc<Web>,
    tenant: &TenantId,
    look: LetterLook,
) -> impl FnOnce(&str, &Secret) -> Option<Letter> + Send + use<> {
    let (web, tenant) = (Arc::clone(web), tenant.clone());
    move |to, digits| {
        let is_one_more = web.limits.letter(&tenant, web.broker.clock().now()).is_ok();
        is_one_more.then(|| code_letter(&look, to, digits))
    }
}
