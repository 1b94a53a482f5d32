// A certified OpenID provider with as many kinds of clients as a test registers, its own login and
// consent pages, and keys of several kinds. Whoever signs in does so in a strong way (`acr` is gold).
// Listens on a free port of 127.0.0.1 and prints it, then each request's method and path.
// Environment: CLIENTS, a JSON list of client metadata (OpenID Connect Registration 1.0, 2).
import crypto from 'node:crypto';
import http from 'node:http';
import { Provider } from 'oidc-provider';

const key = (kid, type, options, more) => ({
  ...crypto.generateKeyPairSync(type, options).privateKey.export({ format: 'jwk' }),
  kid,
  use: 'sig',
  ...more,
});
const algorithms = ['RS256', 'PS256', 'ES256', 'Ed25519', 'EdDSA', 'HS256'];
const person = {
  name: 'Billy Bob',
  given_name: 'Billy',
  family_name: 'Bob',
  email: 'billy.bob@example.com',
  email_verified: true,
};

const server = http.createServer();
server.listen(0, '127.0.0.1', () => {
  const origin = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(origin, {
    clients: JSON.parse(process.env.CLIENTS),
    jwks: {
      keys: [
        key('rsa-1', 'rsa', { modulusLength: 2048 }),
        key('rsa-2', 'rsa', { modulusLength: 2048 }, { alg: 'PS256' }),
        key('ec-1', 'ec', { namedCurve: 'P-256' }),
        key('ed-1', 'ed25519'),
      ],
    },
    acrValues: ['gold', 'silver'],
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'given_name', 'family_name'] },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, ...person }) }),
    enabledJWA: {
      idTokenSigningAlgValues: algorithms,
      userinfoSigningAlgValues: algorithms,
      clientAuthSigningAlgValues: algorithms,
    },
    features: {
      claimsParameter: { enabled: true },
      jwtUserinfo: { enabled: true },
      pushedAuthorizationRequests: { enabled: true },
    },
    subjectTypes: ['public', 'pairwise'],
    pairwiseIdentifier: (_, id, client) =>
      crypto.createHash('sha256').update(client.sectorIdentifier).update(id).update('salt').digest('hex'),
    ttl: { AccessToken: (_, token, client) => (client.clientId === 'short' ? 2 : 3600) },
    pkce: { required: () => true },
    cookies: { keys: ['a key of the tests'] },
  });
  const { loginAccount } = provider.Session.prototype;
  provider.Session.prototype.loginAccount = function strongly(details) {
    return loginAccount.call(this, { ...details, acr: 'gold' });
  };
  for (const event of ['grant.error', 'authorization.error', 'userinfo.error', 'server_error']) {
    provider.on(event, (_, error) => console.error(event, error.message, error.error_description ?? ''));
  }
  server.on('request', (request) => console.log(`${request.method} ${request.url.split('?')[0]}`));
  server.on('request', provider.callback());
  console.log(`READY ${origin}`);
});
