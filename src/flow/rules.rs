//! The tenant's rules, at the one moment when the WhoAmI answer is at hand. What they set is kept in
//! the sealed attempt, so that a confirmation later has it.

use std::sync::Arc;

use crate::domain::tenant::Tenant;
use crate::profile::{CompiledRules, MappingFault, RuleInput, Ruling};

use super::Broker;

impl Broker {
    /// What the tenant's rules say of a sign-in. It never fails: rules that cannot be used are a note.
    pub(super) fn apply_rules(&self, tenant: &Tenant, input: &RuleInput<'_>) -> Ruling {
        if tenant.rules.list.is_empty() {
            return Ruling::default();
        }
        let ruling = match self.compiled_rules(tenant) {
            Ok(rules) => rules.evaluate(input),
            // They were checked when the tenant was read.
            Err(fault) => Ruling { notes: vec![fault.to_string()], ..Ruling::default() },
        };
        for note in &ruling.notes {
            tracing::warn!(tenant = %tenant.id, detail = %note, "rule.failed");
        }
        ruling
    }

    fn compiled_rules(&self, tenant: &Tenant) -> Result<Arc<CompiledRules>, MappingFault> {
        let key = (tenant.id.clone(), tenant.rules.revision.clone());
        if let Some(known) = self.rules.get(&key) {
            return Ok(known);
        }
        let compiled = Arc::new(CompiledRules::new(&tenant.rules.list)?);
        self.rules.insert(key, Arc::clone(&compiled));
        Ok(compiled)
    }
}
