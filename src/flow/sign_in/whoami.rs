//! Who it was: the WhoAmI call and further ones, or what the tokens themselves say.

use serde_json::{Map, Value};

use crate::domain::fault::{Code, Fault, Step};
use crate::domain::provider::Identity;
use crate::domain::provider::call::WhoamiCall;
use crate::egress::error::EgressError;
use crate::flow::Broker;
use crate::oauth::token::TokenResponse;
use crate::oauth::whoami::{build_whoami_request, check_whoami_answer};
use crate::profile::parse_whoami;

use super::{Told, Visit};

/// What opens doors in a token answer, wherever it stands.
const TOKENS: [&str; 6] =
    ["access_token", "refresh_token", "id_token", "accessToken", "refreshToken", "idToken"];

impl Broker {
    /// Asks whoever is to be asked. Without a WhoAmI URL the login proves authentication only.
    pub(super) async fn ask(&self, visit: &mut Visit<'_>, token: TokenResponse) -> Result<Told, Fault> {
        let token_response = without_tokens(&token.body, token.access_token.expose());
        let whoami = match (visit.provider.identity, &visit.server.whoami) {
            (Identity::Whoami, Some(call)) => self.ask_whoami(visit, call, &token).await?,
            (Identity::TokenResponse, _) => token_response.clone(),
            _ => Value::Null,
        };
        let mut further = Vec::new();
        for (name, call) in &visit.provider.further_whoami {
            further.push((name.clone(), self.ask_whoami(visit, call, &token).await?));
        }
        Ok(Told { whoami, claims: None, token_response, further })
    }

    async fn ask_whoami(
        &self,
        visit: &mut Visit<'_>,
        call: &WhoamiCall,
        token: &TokenResponse,
    ) -> Result<Value, Fault> {
        visit.course.begin(Step::Whoami);
        let request = build_whoami_request(call, visit.provider, token).map_err(|error| {
            visit.course.note([format!("WhoAmI: {error}")]);
            Fault::new(Step::Whoami, Code::WhoamiUrlUnfilled)
        })?;
        let answer = visit.send(Step::Whoami, &request, EgressError::at_whoami).await?;
        let body = check_whoami_answer(&answer)?;
        visit.course.note(body.quirk.map(|quirk| format!("WhoAmI: {quirk}")));
        parse_whoami(body.json).map_err(|fault| {
            let (tenant, provider) = (&visit.tenant.id, &visit.provider.id);
            visit.course.note([format!("WhoAmI: {fault}")]);
            tracing::warn!(%tenant, %provider, detail = %fault, "whoami.garbage");
            Fault::new(Step::Whoami, Code::WhoamiGarbage)
        })
    }
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
