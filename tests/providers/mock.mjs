// An OpenID server that lets everybody in without a page and misbehaves by the name of the client:
// each name below is a fault, every other client is served right.
// Listens on a free port of 127.0.0.1 and prints it.
import { OAuth2Server } from 'oauth2-mock-server';

const server = new OAuth2Server();
await server.issuer.keys.generate('RS256');

const inIdToken = {
  'other-issuer': ({ payload }) => { payload.iss = 'https://other.example.com'; },
  'other-audience': ({ payload }) => { payload.aud = 'somebody-else'; },
  'several-audiences': ({ payload }) => { payload.aud = [payload.aud, 'somebody-else']; },
  'other-party': ({ payload }) => { payload.azp = 'somebody-else'; },
  'other-nonce': ({ payload }) => { payload.nonce = 'of another login'; },
  'no-nonce': ({ payload }) => { delete payload.nonce; },
  'no-subject': ({ payload }) => { delete payload.sub; },
  'no-time': ({ payload }) => { delete payload.iat; },
  expired: ({ payload }) => { payload.exp = payload.iat - 3600; },
  'not-yet': ({ payload }) => { payload.nbf = payload.iat + 3600; },
  'unknown-key': ({ header }) => { header.kid = 'nobody-knows-it'; },
  'no-key-name': ({ header }) => { delete header.kid; },
  'other-hash': ({ payload }) => { payload.at_hash = 'AAAAAAAAAAAAAAAAAAAAAA'; },
};
const inToken = {
  'no-id-token': ({ body }) => { delete body.id_token; },
  'no-access-token': ({ body }) => { delete body.access_token; },
  'no-token-type': ({ body }) => { delete body.token_type; },
  'expiry-as-text': ({ body }) => { body.expires_in = '3600'; },
  'scope-as-list': ({ body }) => { body.scope = ['openid', 'email']; },
  'token-error': (answer) => { answer.statusCode = 500; answer.body = { error: 'server_error' }; },
  'token-refused': (answer) => { answer.statusCode = 400; answer.body = { error: 'invalid_grant' }; },
  'error-inside': (answer) => { answer.body = { error: 'invalid_request' }; },
};
const inWhoami = {
  'other-person': ({ body }) => { body.sub = 'mallory'; },
  nobody: ({ body }) => { delete body.sub; },
  'whoami-error': (answer) => { answer.statusCode = 500; },
  'whoami-refused': (answer) => { answer.statusCode = 401; },
};
const inRedirect = {
  declined: (url) => { url.searchParams.delete('code'); url.searchParams.set('error', 'access_denied'); },
  'other-named': (url) => { url.searchParams.set('iss', 'https://other.example.com'); },
};

const tokens = new Map();
server.service.on('beforeTokenSigning', (token, request) => {
  if ('aud' in token.payload) inIdToken[request.body.client_id]?.(token);
});
server.service.on('beforeResponse', (answer, request) => {
  tokens.set(`Bearer ${answer.body.access_token}`, request.body.client_id);
  inToken[request.body.client_id]?.(answer);
});
server.service.on('beforeUserinfo', (answer, request) => {
  answer.body = { sub: 'johndoe', name: 'Billy Bob', email: 'billy.bob@example.com', email_verified: true };
  inWhoami[tokens.get(request.headers.authorization)]?.(answer);
});
server.service.on('beforeAuthorizeRedirect', ({ url }, request) => inRedirect[request.query.client_id]?.(url));

await server.start(0, '127.0.0.1');
server.issuer.url = `http://127.0.0.1:${server.address().port}`;
console.log(`READY ${server.issuer.url}`);
