//! What a sign-in, the end of a conversation and a merge do to the kept tokens. Each writes into the
//! batch of what it belongs to.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use crate::domain::contact::{Contact, Identity};
use crate::domain::conversation::Conversation;
use crate::domain::ids::{ContactId, TenantId};
use crate::domain::provider::Provider;
use crate::domain::tenant::Tenant;
use crate::domain::vault::{ProviderTokens, VaultRecord};
use crate::flow::Broker;
use crate::flow::record::SignIn;
use crate::flow::sign_in::Visit;
use crate::oauth::server::Server;
use crate::oauth::token::TokenResponse;
use crate::store::{StoreError, Tx};

impl Broker {
    /// The tokens of a sign-in whose provider has a vault. They go with the sign-in, sealed, until it completes.
    pub(in crate::flow) fn tokens_to_keep(
        &self,
        visit: &Visit<'_>,
        token: &TokenResponse,
    ) -> Option<Box<ProviderTokens>> {
        let read_at = self.clock.now();
        visit.provider.vault.then(|| Box::new(tokens_of(visit.provider, visit.server, token, read_at)))
    }

    /// Keeps the tokens of a sign-in with its completion: for the contact, until the conversation stops to be verified.
    pub(in crate::flow) async fn keep_tokens(
        &self,
        tx: &mut Tx,
        tenant: &Tenant,
        conversation: &Conversation,
        sign_in: &SignIn<'_>,
    ) -> Result<(), StoreError> {
        let (Some(tokens), Some(subject)) = (&sign_in.signed_in.tokens, &sign_in.signed_in.subject) else {
            return Ok(());
        };
        let Some(verified) = &conversation.verified else { return Ok(()) };
        let Some(contact) = &verified.contact_id else { return Ok(()) };
        let before = self.store.at(&tenant.id).tokens(contact, &verified.provider).await?;
        let record = VaultRecord {
            contact: contact.clone(),
            provider: verified.provider.clone(),
            subject: subject.clone(),
            tokens: (**tokens).clone(),
            sign_ins: vec![verified.auth_link_id.clone()],
            until: verified.until,
            refreshing: None,
        };
        tx.put_tokens(before.as_ref(), &record.after_sign_in(before.as_deref()));
        Ok(())
    }

    /// A conversation stops to be verified: its sign-in uses no tokens any more, and those that nobody else uses are
    /// deleted.
    pub(in crate::flow) async fn drop_tokens(
        &self,
        tx: &mut Tx,
        tenant: &TenantId,
        conversation: &Conversation,
    ) -> Result<(), StoreError> {
        let Some(verified) = &conversation.verified else { return Ok(()) };
        let Some(contact) = &verified.contact_id else { return Ok(()) };
        let known = self.store.at(tenant).tokens(contact, &verified.provider).await?;
        let Some(known) = known.filter(|known| known.sign_ins.contains(&verified.auth_link_id)) else {
            return Ok(());
        };
        match known.value.clone().without(&verified.auth_link_id) {
            Some(rest) => tx.put_tokens(Some(&known), &rest),
            None => tx.forget_tokens(&known),
        }
        Ok(())
    }

    /// A way to sign in is taken from a contact: the tokens of who the customer is there go with it.
    pub(in crate::flow) async fn forget_tokens_of(
        &self,
        tx: &mut Tx,
        tenant: &Tenant,
        contact: &ContactId,
        gone: &Identity,
    ) -> Result<(), StoreError> {
        let known = self.store.at(&tenant.id).tokens(contact, &gone.provider).await?;
        if let Some(known) = known.filter(|known| known.subject == gone.subject) {
            tx.forget_tokens(&known);
        }
        Ok(())
    }

    /// A contact takes in another one, with its tokens. Where both have some at one provider they are two people's there,
    /// and those that were read last stay.
    pub(in crate::flow) async fn hand_over_tokens(
        &self,
        tx: &mut Tx,
        tenant: &Tenant,
        contact: &ContactId,
        other: &Contact,
    ) -> Result<(), StoreError> {
        let store = self.store.at(&tenant.id);
        let providers: BTreeSet<_> = other.identities.iter().map(|identity| &identity.provider).collect();
        for provider in providers {
            let Some(theirs) = store.tokens(&other.id, provider).await? else { continue };
            let own = store.tokens(contact, provider).await?;
            tx.forget_tokens(&theirs);
            if own.as_ref().is_none_or(|own| own.tokens.read_at < theirs.tokens.read_at) {
                let moved = VaultRecord { contact: contact.clone(), ..theirs.value };
                tx.put_tokens(own.as_ref(), &moved);
            }
        }
        Ok(())
    }
}

/// What is kept of a token answer.
pub(super) fn tokens_of(
    provider: &Provider,
    server: &Server,
    token: &TokenResponse,
    read_at: Timestamp,
) -> ProviderTokens {
    let lives = token.expires_in.and_then(|lives| SignedDuration::try_from(lives).ok());
    let terms = &token.terms;
    let kind = terms.token_type.as_deref().filter(|kind| !kind.eq_ignore_ascii_case("bearer"));
    ProviderTokens {
        access_token: token.access_token.clone(),
        refresh_token: terms.refresh_token.clone(),
        token_type: kind.unwrap_or("Bearer").to_owned(),
        scope: terms.scope.clone().or_else(|| provider.scope.clone()),
        expires_at: lives.and_then(|lives| read_at.checked_add(lives).ok()),
        read_at,
        client_id: provider.client_id.clone(),
        token_url: server.token_url.to_string(),
    }
}
