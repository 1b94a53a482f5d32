// openid-client against our issuer: discovery, code + PKCE, id_token, userinfo, refresh, introspection, revocation, client
// credentials. It prints the address that the customer must visit, reads where that ended, and prints what it learnt.
import * as client from 'openid-client'
import { createInterface } from 'node:readline/promises'

const { ISSUER, APP, APP_URI, MACHINE, MACHINE_SECRET } = process.env
const input = createInterface({ input: process.stdin })
const plain = { execute: [client.allowInsecureRequests] }

const app = await client.discovery(new URL(ISSUER), APP, undefined, client.None(), plain)
const verifier = client.randomPKCECodeVerifier()
const [state, nonce] = [client.randomState(), client.randomNonce()]
const authorize = client.buildAuthorizationUrl(app, {
  redirect_uri: APP_URI,
  scope: 'openid profile email',
  code_challenge: await client.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256',
  state,
  nonce,
})
console.log(`VISIT ${authorize.href}`)
const back = new URL((await input[Symbol.asyncIterator]().next()).value)

const tokens = await client.authorizationCodeGrant(app, back, {
  pkceCodeVerifier: verifier,
  expectedState: state,
  expectedNonce: nonce,
  idTokenExpected: true,
})
const { sub } = tokens.claims()
const who = await client.fetchUserInfo(app, tokens.access_token, sub)
const fresh = await client.refreshTokenGrant(app, tokens.refresh_token)

const machine = await client.discovery(
  new URL(ISSUER), MACHINE, undefined, client.ClientSecretBasic(MACHINE_SECRET), plain,
)
const own = await client.clientCredentialsGrant(machine, { scope: 'read:contacts' })
const before = await client.tokenIntrospection(machine, fresh.access_token)
await client.tokenRevocation(app, fresh.refresh_token)
const after = await client.tokenIntrospection(machine, fresh.access_token)
let late
try {
  await client.refreshTokenGrant(app, fresh.refresh_token)
} catch (error) {
  late = error.error
}
console.log(`DONE ${JSON.stringify({
  sub,
  email: who.email,
  rotated: fresh.refresh_token !== tokens.refresh_token,
  machine: own.token_type,
  before: before.active,
  after: after.active,
  late,
})}`)
process.exit(0)
