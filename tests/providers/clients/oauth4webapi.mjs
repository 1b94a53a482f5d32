// oauth4webapi against our issuer, which checks each answer to the letter: code + PKCE with `iss` (RFC 9207), an id_token
// whose signature is verified, userinfo, refresh, introspection, revocation, client credentials. Then `jose` verifies the
// access token (RFC 9068) with both JWKS paths.
import * as oauth from 'oauth4webapi'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { createInterface } from 'node:readline/promises'

const { ISSUER, APP, APP_URI, MACHINE, MACHINE_SECRET } = process.env
const input = createInterface({ input: process.stdin })
const plain = { [oauth.allowInsecureRequests]: true }
const issuer = new URL(ISSUER)

const found = await oauth.discoveryRequest(issuer, plain)
const as = await oauth.processDiscoveryResponse(issuer, found)
const rfc8414 = await oauth.discoveryRequest(issuer, { ...plain, algorithm: 'oauth2' })
await oauth.processDiscoveryResponse(issuer, rfc8414)

const app = { client_id: APP }
const verifier = oauth.generateRandomCodeVerifier()
const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()]
const authorize = new URL(as.authorization_endpoint)
for (const [name, value] of Object.entries({
  client_id: APP,
  redirect_uri: APP_URI,
  response_type: 'code',
  scope: 'openid email',
  code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256',
  state,
  nonce,
})) authorize.searchParams.set(name, value)
console.log(`VISIT ${authorize.href}`)
const back = new URL((await input[Symbol.asyncIterator]().next()).value)

const answer = oauth.validateAuthResponse(as, app, back, state)
const redeemed = await oauth.authorizationCodeGrantRequest(
  as, app, oauth.None(), answer, APP_URI, verifier, plain,
)
const tokens = await oauth.processAuthorizationCodeResponse(as, app, redeemed, {
  expectedNonce: nonce,
  requireIdToken: true,
})
await oauth.validateApplicationLevelSignature(as, redeemed, plain)
const { sub } = oauth.getValidatedIdTokenClaims(tokens)
const who = await oauth.processUserInfoResponse(
  as, app, sub, await oauth.userInfoRequest(as, app, tokens.access_token, plain),
)
const fresh = await oauth.processRefreshTokenResponse(
  as, app, await oauth.refreshTokenGrantRequest(as, app, oauth.None(), tokens.refresh_token, plain),
)

const machine = { client_id: MACHINE }
const secret = oauth.ClientSecretPost(MACHINE_SECRET)
const own = await oauth.processClientCredentialsResponse(
  as, machine, await oauth.clientCredentialsGrantRequest(as, machine, secret, { scope: 'read:contacts' }, plain),
)
const look = async (token) => (await oauth.processIntrospectionResponse(
  as, machine, await oauth.introspectionRequest(as, machine, secret, token, plain),
)).active
const before = await look(fresh.access_token)
await oauth.processRevocationResponse(
  await oauth.revocationRequest(as, app, oauth.None(), fresh.access_token, plain),
)
const after = await look(fresh.access_token)

const verified = []
for (const path of ['/v1/oauth/.well-known/jwks.json', '/api/oauth2/jwks']) {
  const keys = createRemoteJWKSet(new URL(path, issuer))
  const rules = { issuer: ISSUER, typ: 'at+jwt', algorithms: ['RS256'] }
  const customer = await jwtVerify(fresh.access_token, keys, { ...rules, audience: 'countersign-client-api' })
  const bot = await jwtVerify(own.access_token, keys, { ...rules, audience: ISSUER })
  verified.push(customer.payload.customer_number, bot.payload.client_id)
}
console.log(`DONE ${JSON.stringify({
  sub,
  email: who.email,
  rotated: fresh.refresh_token !== tokens.refresh_token,
  machine: own.token_type,
  before,
  after,
  verified,
})}`)
process.exit(0)
