//! Who it was: the WhoAmI call and further ones, or what the tokens themselves say.

use serde_json::{Map, Value};

use crate::domain::fault::{Code, Fault, Step};
use crate::domain::provider::Identity;
use crate::domain::provider::call::WhoamiCall;
use crate::egress::error::EgressError;
use crate::flow::Broker;
use crate::oauth::id_token::{Verified, check_subject};
use crate::oauth::response::Grant;
use crate::oauth::token::TokenResponse;
use crate::oauth::whoami::{build_whoami_request, check_whoami_answer, signed_answer};
use crate::oauth::wire::ProviderAnswer;
use crate::profile::parse_whoami;

use super::{Told, Visit, Vouched};

/// What opens doors in a token answer, wherever it stands.
const TOKENS: [&str; 6] =
    ["access_token", "refresh_token", "id_token", "accessToken", "refreshToken", "idToken"];

impl Broker {
    /// Asks whoever is to be asked. Without a WhoAmI URL the login proves authentication only.
    pub(super) async fn ask(
        &self,
        visit: &mut Visit<'_>,
        grant: &Grant,
        token: TokenResponse,
        vouched: Vouched,
    ) -> Result<Told, Fault> {
        let token_response = without_tokens(&token.body, token.access_token.expose());
        let person = vouched.id_token.as_ref().and_then(|verified| verified.subject.clone());
        let whoami = match (visit.provider.identity, &visit.server.whoami) {
            (Identity::Whoami, Some(call)) => {
                self.ask_whoami(visit, (call, grant), &token, person.as_deref()).await?
            }
            (Identity::TokenResponse, _) => token_response.clone(),
            (Identity::IdToken, _) => claims_of(vouched.id_token.as_ref()),
            (Identity::AccessToken, _) => {
                check_person(visit, None, &claims_of(vouched.access_token.as_ref()), person.as_deref())?;
                claims_of(vouched.access_token.as_ref())
            }
            (Identity::Whoami, None) => Value::Null,
        };
        let mut further = Vec::new();
        for (name, call) in &visit.provider.further_whoami {
            let answer = self.ask_whoami(visit, (call, grant), &token, person.as_deref()).await?;
            further.push((name.clone(), answer));
        }
        let claims = vouched.id_token.or(vouched.access_token).map(|verified| verified.claims);
        Ok(Told { whoami, claims, token_response, further })
    }

    async fn ask_whoami(
        &self,
        visit: &mut Visit<'_>,
        (call, grant): (&WhoamiCall, &Grant),
        token: &TokenResponse,
        person: Option<&str>,
    ) -> Result<Value, Fault> {
        visit.course.begin(Step::Whoami);
        let request = build_whoami_request(call, visit.provider, token, grant.kept()).map_err(|error| {
            visit.course.note([format!("WhoAmI: {error}")]);
            Fault::new(Step::Whoami, Code::WhoamiUrlUnfilled)
        })?;
        let answer = visit.send(Step::Whoami, &request, EgressError::at_whoami).await?;
        let told = match signed_answer(&answer).filter(|_| visit.server.issuer.is_some()) {
            Some(signed) => self.check_signed_whoami(visit, signed).await?.claims,
            None => plain_answer(visit, call, &answer)?,
        };
        check_person(visit, Some(call), &told, person)?;
        Ok(told)
    }
}

/// An answer that nobody has signed. Where the settings demand a signature of the main call, it is none.
fn plain_answer(visit: &mut Visit<'_>, call: &WhoamiCall, answer: &ProviderAnswer) -> Result<Value, Fault> {
    let body = check_whoami_answer(answer)?;
    if visit.provider.oidc.userinfo_alg.is_some() && visit.server.whoami.as_ref() == Some(call) {
        visit.course.note(["WhoAmI: the answer is not signed, and `userinfo_alg` says that it must be"]);
        return Err(Fault::new(Step::Whoami, Code::WhoamiUnsigned));
    }
    visit.course.note(body.quirk.map(|quirk| format!("WhoAmI: {quirk}")));
    parse_whoami(body.json).map_err(|fault| {
        let (tenant, provider) = (&visit.tenant.id, &visit.provider.id);
        visit.course.note([format!("WhoAmI: {fault}")]);
        tracing::warn!(%tenant, %provider, detail = %fault, "whoami.garbage");
        Fault::new(Step::Whoami, Code::WhoamiGarbage)
    })
}

fn claims_of(verified: Option<&Verified>) -> Value {
    verified.map_or(Value::Null, |verified| verified.claims.clone())
}

/// What was told speaks of the person of the id_token (OIDC Core, 5.3.2; SECURITY 16). The issuer's own endpoint must
/// say so; another one, asked with the same access token, must at least not say otherwise.
fn check_person(
    visit: &mut Visit<'_>,
    call: Option<&WhoamiCall>,
    told: &Value,
    person: Option<&str>,
) -> Result<(), Fault> {
    let Some(person) = person else { return Ok(()) };
    let must_say = call.is_some_and(|call| visit.server.is_userinfo(call));
    if !must_say && told.get("sub").is_none() {
        return Ok(());
    }
    check_subject(told, person).map_err(|fault| visit.disbelieve_at(Step::Whoami, fault))
}

/// The token answer as a mapping may see it: what it says of the person, not what opens doors.
fn without_tokens(body: &Value, access_token: &str) -> Value {
    match body {
        Value::Object(members) => {
            let is_kept =
                |name: &str, value: &Value| !TOKENS.contains(&name) && value.as_str() != Some(access_token);
            let kept = members.iter().filter(|(name, value)| is_kept(name, value));
            let kept = kept.map(|(name, value)| (name.clone(), without_tokens(value, access_token)));
            Value::Object(kept.collect::<Map<_, _>>())
        }
        Value::Array(items) => {
            Value::Array(items.iter().map(|item| without_tokens(item, access_token)).collect())
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_mapping_sees_no_token_wherever_it_stands() {
        let told = json!({
            "access_token": "a", "user": {"id": 7, "access_token": "b"}, "list": [{"refresh_token": "c", "x": 1}],
            "token": "the-token", "id_token": "d", "scope": ["read"],
        });
        assert_eq!(
            without_tokens(&told, "the-token"),
            json!({"user": {"id": 7}, "list": [{"x": 1}], "scope": ["read"]})
        );
        assert_eq!(without_tokens(&Value::Null, "the-token"), Value::Null);
    }
}
