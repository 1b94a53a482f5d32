"""Authlib against our issuer: code + PKCE, an id_token that joserfc verifies, userinfo, refresh, revocation,
introspection, client credentials by Basic and by a key of its own. It prints the address that the customer must visit,
reads where that ended, and prints what it learnt."""

import json
import os
import sys

from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
ISSUER = os.environ["ISSUER"]
VERIFIER = "an-authlib-code-verifier-of-more-than-43-characters"

probe = OAuth2Session()
found = probe.request("GET", f"{ISSUER}/.well-known/openid-configuration", withhold_token=True).json()
keys = KeySet.import_key_set(probe.request("GET", found["jwks_uri"], withhold_token=True).json())

app = OAuth2Session(
    os.environ["APP"],
    redirect_uri=os.environ["APP_URI"],
    scope="openid email",
    code_challenge_method="S256",
    token_endpoint_auth_method="none",
)
url, state = app.create_authorization_url(
    found["authorization_endpoint"], code_verifier=VERIFIER, nonce="authlib-nonce"
)
print(f"VISIT {url}", flush=True)
back = sys.stdin.readline().strip()
tokens = app.fetch_token(
    found["token_endpoint"], authorization_response=back, state=state, code_verifier=VERIFIER
)
claims = jwt.decode(tokens["id_token"], keys, algorithms=["RS256"]).claims
assert claims["nonce"] == "authlib-nonce" and claims["iss"] == ISSUER, claims
who = app.get(found["userinfo_endpoint"]).json()
first = tokens["refresh_token"]
fresh = app.refresh_token(found["token_endpoint"], refresh_token=first)

machine = OAuth2Session(
    os.environ["MACHINE"],
    os.environ["MACHINE_SECRET"],
    scope="read:contacts",
    token_endpoint_auth_method="client_secret_basic",
)
own = machine.fetch_token(found["token_endpoint"], grant_type="client_credentials")
before = machine.introspect_token(found["introspection_endpoint"], token=fresh["access_token"]).json()
app.revoke_token(found["revocation_endpoint"], token=fresh["refresh_token"])
after = machine.introspect_token(found["introspection_endpoint"], token=fresh["access_token"]).json()

keyed = OAuth2Session("keyed", ECKey.import_key(open(os.environ["KEY"]).read()), scope="read:contacts")
keyed.register_client_auth_method(PrivateKeyJWT(found["token_endpoint"], alg="ES256"))
keyed.token_endpoint_auth_method = "private_key_jwt"
by_key = keyed.fetch_token(found["token_endpoint"], grant_type="client_credentials")

print("DONE " + json.dumps({
    "sub": claims["sub"],
    "email": who["email"],
    "rotated": fresh["refresh_token"] != first,
    "machine": own["token_type"],
    "before": before["active"],
    "after": after["active"],
    "byKey": by_key["scope"],
}), flush=True)
