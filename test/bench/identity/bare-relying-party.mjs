/**
 * What signing in through a provider costs at least: the same library asks the same things, but flows and sessions lie in memory,
 * nobody is looked up, nothing is limited, sealed or told to anybody.
 *   node bare-relying-party.mjs PORT ISSUER CLIENT_ID CLIENT_SECRET
 */
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import * as oauth from 'oauth4webapi';
import { createLocalJWKSet, jwtVerify } from 'jose';

const [port, issuer, clientId, secret] = process.argv.slice(2);
const redirect = `http://localhost:${port}/sso/callback`;
const client = { client_id: clientId };
const insecure = { [oauth.allowInsecureRequests]: true };
const url = new URL(issuer);
const server = await oauth.processDiscoveryResponse(url, await oauth.discoveryRequest(url, insecure));
const keys = createLocalJWKSet(await (await fetch(server.jwks_uri)).json());
const flows = new Map();
const sessions = new Map();

async function start() {
  const [state, nonce, verifier] = [oauth.generateRandomState(), oauth.generateRandomNonce(), oauth.generateRandomCodeVerifier()];
  flows.set(state, { nonce, verifier });
  const to = new URL(server.authorization_endpoint);
  const challenge = await oauth.calculatePKCECodeChallenge(verifier);
  const asked = { client_id: clientId, redirect_uri: redirect, response_type: 'code', scope: 'openid profile email', state, nonce };
  for (const [name, value] of Object.entries({ ...asked, code_challenge: challenge, code_challenge_method: 'S256' }))
    to.searchParams.set(name, value);
  return { url: to.href };
}

async function finish({ state, ...answer }) {
  const flow = flows.get(state);
  flows.delete(state);
  const given = oauth.validateAuthResponse(server, client, new URLSearchParams({ state, ...answer }), state);
  const auth = oauth.ClientSecretBasic(secret);
  const response = await oauth.authorizationCodeGrantRequest(server, client, auth, given, redirect, flow.verifier, insecure);
  const tokens = await oauth.processAuthorizationCodeResponse(server, client, response, {
    expectedNonce: flow.nonce,
    requireIdToken: true,
  });
  const { payload } = await jwtVerify(tokens.id_token, keys, { issuer: server.issuer, audience: clientId });
  const session = randomBytes(32).toString('base64url');
  sessions.set(session, payload);
  return { session };
}

async function bodyOf(request) {
  let text = '';
  for await (const piece of request) text += piece;
  return JSON.parse(text);
}

createServer((request, response) => {
  const answer = bodyOf(request).then((body) => (request.url === '/start' ? start() : finish(body)));
  answer.then(
    (body) => response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(body)),
    (error) => response.writeHead(500).end(String(error)),
  );
}).listen(Number(port), '127.0.0.1');
