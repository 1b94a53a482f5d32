// A plain OAuth 2 server: no discovery, no id_token, the nested WhoAmI of the seed behind it.
// Listens on a free port of 127.0.0.1 and prints it, then each request's method and path.
// Token requests may be forms or JSON; the latter are told by a line of their own.
// Asked for `response_mode=form_post`, it answers by a form that sends itself where scripts run.
// Environment: REDIRECT_URIS (separated by spaces), CLIENT_ID, CLIENT_SECRET.
import crypto from 'node:crypto';
import express from 'express';
import OAuth2Server from '@node-oauth/oauth2-server';

const { CLIENT_ID, CLIENT_SECRET, REDIRECT_URIS } = process.env;
const client = { id: CLIENT_ID, grants: ['authorization_code'], redirectUris: REDIRECT_URIS.split(' ') };
const people = new Map([['billy', { id: 'billy.bob', name: 'Billy Bob', email: 'billy.bob@example.com' }]]);
const signedIn = new Map();
const codes = new Map();
const tokens = new Map();

const oauth = new OAuth2Server({
  model: {
    getClient: async (id, secret) => (id === CLIENT_ID && (secret == null || secret === CLIENT_SECRET) ? client : false),
    saveAuthorizationCode: async (code, owner, user) => {
      const saved = { ...code, client: owner, user };
      codes.set(code.authorizationCode, saved);
      return saved;
    },
    getAuthorizationCode: async (code) => codes.get(code),
    revokeAuthorizationCode: async (code) => codes.delete(code.authorizationCode),
    saveToken: async (token, owner, user) => {
      const saved = { ...token, client: owner, user };
      tokens.set(token.accessToken, saved);
      return saved;
    },
    getAccessToken: async (token) => tokens.get(token),
    validateScope: async (user, owner, scope) => scope ?? ['read'],
    verifyScope: async () => true,
  },
});

const escaped = (text) => String(text ?? '').replace(/[&<>"']/g, (c) => `&#${c.codePointAt(0)};`);
const hidden = (fields) =>
  Object.entries(fields).map(([name, value]) => `<input type="hidden" name="${escaped(name)}" value="${escaped(value)}">`).join('');
const page = (body) => `<!doctype html><html lang="en"><title>Sign in</title><body>${body}</body></html>`;

const app = express();
app.use(express.urlencoded({ extended: false }), express.json());
app.use((request, response, next) => {
  console.log(`${request.method} ${request.path}`);
  next();
});

app.get('/auth', (request, response) => {
  if (!client.redirectUris.includes(request.query.redirect_uri)) return response.status(400).send(page('unknown redirect_uri'));
  response.send(page(`<form method="post" action="/login">${hidden(request.query)}
    <label>Name <input name="username"></label> <label>Password <input type="password" name="password"></label>
    <button type="submit" id="sign-in">Sign in</button></form>`));
});

app.post('/login', (request, response) => {
  const { username, password, ...query } = request.body;
  const person = people.get(username);
  if (!person || password !== 'billy-secret') return response.status(401).send(page('wrong name or password'));
  const ticket = crypto.randomUUID();
  signedIn.set(ticket, person);
  response.send(page(`<form method="post" action="/consent">${hidden({ ...query, ticket })}
    <button name="decision" value="deny" id="deny">Deny</button>
    <button name="decision" value="allow" id="allow">Allow</button></form>`));
});

app.post('/consent', async (incoming, outgoing) => {
  const { ticket, decision, ...query } = incoming.body;
  const request = new OAuth2Server.Request(incoming);
  const response = new OAuth2Server.Response(outgoing);
  request.query = { ...query, allowed: decision === 'allow' ? 'true' : 'false' };
  const person = signedIn.get(ticket);
  signedIn.delete(ticket);
  try {
    await oauth.authorize(request, response, { authenticateHandler: { handle: async () => person } });
  } catch (error) {
    if (!response.headers.location) return outgoing.status(error.code ?? 500).send(page('refused'));
  }
  const back = new URL(response.headers.location);
  if (query.response_mode !== 'form_post') return outgoing.redirect(303, back.href);
  outgoing.send(page(`<form method="post" action="${escaped(back.origin + back.pathname)}">${hidden(Object.fromEntries(back.searchParams))}
    <button id="back">Back</button></form><script>document.forms[0].submit()</script>`));
});

app.post('/auth/token', async (incoming, outgoing) => {
  const response = new OAuth2Server.Response(outgoing);
  if (incoming.is('application/json')) {
    // The library itself takes forms only; what counts is the body, which is read by now.
    console.log('JSON /auth/token');
    incoming.headers['content-type'] = 'application/x-www-form-urlencoded';
  }
  try {
    await oauth.token(new OAuth2Server.Request(incoming), response);
    outgoing.status(response.status).set(response.headers).json(response.body);
  } catch (error) {
    outgoing.status(error.code ?? 500).json({ error: error.name, error_description: error.message });
  }
});

app.get('/whoami', async (incoming, outgoing) => {
  try {
    const token = await oauth.authenticate(new OAuth2Server.Request(incoming), new OAuth2Server.Response(outgoing));
    const { id, name, email } = token.user;
    outgoing.json({ user: { id, name, email, other: 'stuff' }, roles: ['SomeRole', 'OtherRole'], other: 'stuff' });
  } catch (error) {
    outgoing.status(error.code ?? 500).json({ error: error.name });
  }
});

const server = app.listen(0, '127.0.0.1', () => console.log(`READY http://127.0.0.1:${server.address().port}`));
