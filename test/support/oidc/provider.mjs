/**
 * A real OpenID provider (npm `oidc-provider`) that asks nobody anything: each client has one person, who signs in at once.
 *
 *   PUT    /control/CLIENT           { client, person, acr }   makes or changes a client; `person` are the claims, with their sub
 *   POST   /control/CLIENT/logout    { sub, sid }              the logout token that the provider would send; it is not sent
 *   DELETE /control/CLIENT/sessions                            the provider forgets who is signed in
 */
import { createServer } from 'node:http';
import Provider from 'oidc-provider';
import { exportJWK, generateKeyPair } from 'jose';
import { listening } from '../listening.mjs';

const GROUP_CLAIMS = ['groups', 'roles', 'hasgroups', '_claim_names'];

export async function startOidcProvider({ port = 0, host = '127.0.0.1', deliver = false } = {}) {
  /** @type {Map<string, { client: object, person: Record<string, unknown>, acr?: string }>} */
  const known = new Map();
  /** @type {string[]} logout tokens that would have been sent */
  const caught = [];
  const server = createServer();
  const where = await listening(server, { port, host });
  const provider = new Provider(where.url, await configuration(known, caught, deliver));
  const callback = provider.callback();
  server.on('request', (request, response) => {
    answer(provider, known, caught, request, response).then(
      (done) => done || callback(request, response),
      (error) => response.writeHead(500).end(String(error)),
    );
  });
  return where;
}

async function configuration(known, caught, deliver) {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  return {
    adapter: adapterFor(known),
    jwks: { keys: [{ ...(await exportJWK(privateKey)), kid: 'op-1', use: 'sig', alg: 'RS256' }] },
    cookies: { keys: ['not a secret of anybody'] },
    claims: {
      openid: ['sub'],
      profile: ['name'],
      email: ['email', 'email_verified'],
      groups: GROUP_CLAIMS,
      acr: null,
      auth_time: null,
      sid: null,
    },
    scopes: ['openid', 'profile', 'email', 'groups'],
    acrValues: ['urn:gatehouse:two-factors'],
    conformIdTokenClaims: false,
    features: {
      devInteractions: { enabled: false },
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (ctx, form) => {
          ctx.body = `<!doctype html><title>Sign out</title>${form}<button form="op.logoutForm" name="logout" value="yes">Sign out there</button>`;
        },
      },
    },
    interactions: { url: (_ctx, { uid }) => `/interaction/${uid}` },
    pkce: { required: () => true },
    findAccount: async (ctx, sub) => ({
      accountId: sub,
      claims: async () => ({ ...known.get(ctx.oidc.client?.clientId)?.person, sub }),
    }),
    loadExistingGrant: async ({ oidc }) => {
      const grant = new oidc.provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId });
      grant.addOIDCScope('openid profile email groups');
      await grant.save();
      return grant;
    },
    fetch: async (url, options) => {
      if (!String(options?.body ?? '').includes('logout_token=')) return fetch(url, options);
      caught.push(new URLSearchParams(String(options.body)).get('logout_token') ?? '');
      if (!deliver) return new Response(null, { status: 200 });
      // Its own dispatcher leads nowhere near: what is sent is what counts.
      const { hostname, port, pathname } = new URL(url);
      const near = hostname === 'localhost' ? `http://127.0.0.1:${port}${pathname}` : url;
      return fetch(near, { method: 'POST', headers: { 'Content-Type': 'application/x-www-form-urlencoded' }, body: String(options.body) });
    },
    ttl: { Session: 3600, Interaction: 600, Grant: 3600, AccessToken: 600, IdToken: 600, AuthorizationCode: 60 },
  };
}

/** Keeps everything in memory; clients are those of `known`. */
function adapterFor(known) {
  /** @type {Map<string, { payload: any, expires: number }>} */
  const stored = new Map();
  return class {
    constructor(name) {
      this.name = name;
    }
    key(id) {
      return `${this.name} ${id}`;
    }
    async upsert(id, payload, seconds) {
      stored.set(this.key(id), { payload, expires: Date.now() + (seconds ?? 3600) * 1000 });
    }
    async find(id) {
      if (this.name === 'Client') return known.get(id)?.client;
      return stored.get(this.key(id))?.payload;
    }
    async findByUid(uid) {
      return [...stored].find(([key, { payload }]) => key.startsWith(`${this.name} `) && payload.uid === uid)?.[1].payload;
    }
    async findByUserCode() {
      return undefined;
    }
    async consume(id) {
      const found = stored.get(this.key(id));
      if (found) found.payload.consumed = Math.floor(Date.now() / 1000);
    }
    async destroy(id) {
      stored.delete(this.key(id));
    }
    async revokeByGrantId(grantId) {
      for (const [key, { payload }] of stored) if (payload.grantId === grantId) stored.delete(key);
    }
  };
}

/** @returns whether it was one of the double's own addresses */
async function answer(provider, known, caught, request, response) {
  const { pathname } = new URL(request.url ?? '/', 'http://double');
  const [, first, name = '', act] = pathname.split('/');
  if (first === 'interaction') {
    const details = await provider.interactionDetails(request, response);
    const { person, acr } = known.get(details.params.client_id) ?? { person: {} };
    await provider.interactionFinished(request, response, { login: { accountId: String(person.sub), ...(acr ? { acr } : {}) } });
    return true;
  }
  if (first !== 'control') return false;
  const body = await readJson(request);
  if (request.method === 'PUT') {
    const { client, person, acr } = body;
    const before = known.get(name);
    known.set(name, { client: { ...before?.client, client_id: name, ...client }, person: person ?? before?.person ?? { sub: name }, acr });
  }
  const done = act === 'logout' ? { token: await logoutToken(provider, name, caught, body) } : {};
  response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(done));
  return true;
}

async function logoutToken(provider, name, caught, { sub, sid }) {
  const client = await provider.Client.find(name);
  await client.backchannelLogout(sub, sid);
  return caught.pop();
}

async function readJson(request) {
  let text = '';
  for await (const chunk of request) text += chunk;
  return text === '' ? {} : JSON.parse(text);
}
