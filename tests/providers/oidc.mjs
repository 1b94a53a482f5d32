// A certified OpenID provider with its own login and consent pages, used here as a plain OAuth 2
// server with a UserInfo endpoint. Listens on a free port of 127.0.0.1 and prints it, then each
// request's method and path.
// Environment: REDIRECT_URIS (separated by spaces), CLIENT_ID, CLIENT_SECRET.
import http from 'node:http';
import { Provider } from 'oidc-provider';

const people = {
  billy: {
    name: 'Billy Bob',
    given_name: 'Billy',
    family_name: 'Bob',
    preferred_username: 'billy.bob',
    email: 'billy.bob@example.com',
    email_verified: true,
  },
};

const server = http.createServer();
server.listen(0, '127.0.0.1', () => {
  const origin = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(origin, {
    clients: [
      {
        client_id: process.env.CLIENT_ID,
        client_secret: process.env.CLIENT_SECRET,
        redirect_uris: process.env.REDIRECT_URIS.split(' '),
        grant_types: ['authorization_code'],
        response_types: ['code'],
        token_endpoint_auth_method: process.env.CLIENT_AUTH ?? 'client_secret_basic',
      },
    ],
    claims: {
      openid: ['sub'],
      email: ['email', 'email_verified'],
      profile: ['name', 'given_name', 'family_name', 'preferred_username'],
    },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, ...people[id] }) }),
    pkce: { required: () => true },
    cookies: { keys: ['a key of the tests'] },
  });
  server.on('request', (request) => console.log(`${request.method} ${request.url.split('?')[0]}`));
  server.on('request', provider.callback());
  console.log(`READY ${origin}`);
});
