import { Hono, type Context as HonoContext } from 'hono';
import { AppError, ERRORS } from '@gatehouse/core/errors.ts';
import { configAt, errorBody, listOf, MAX_BODY, resourceTypesAt, schemasAt } from '@gatehouse/core/scim/describe.ts';
import type { Json } from '@gatehouse/core/scim/filter-match.ts';
import { objectOf } from '@gatehouse/core/scim/normalise.ts';
import { RESOURCE_TYPES, type ResourceType } from '@gatehouse/core/scim/schema.ts';
import { ScimError } from '@gatehouse/core/scim/scim-error.ts';
import type { Services } from '../platform/context.ts';
import { originOf } from '../platform/origin.ts';
import type { Answer, Conditions } from './answer.ts';
import { enter, locateCaller, noteRead, type Call } from './call.ts';
import { askedBy, projectionOf } from './list-query.ts';
import * as groups from './scim-groups.ts';
import * as users from './scim-users.ts';

const BASE = '/scim/v2';
const MAX_DEPTH = 20;
const CONTENT_TYPE = 'application/scim+json';

interface ScimEnv {
  Bindings: { services: Services };
  Variables: { call: Call; id: string };
}
type C = HonoContext<ScimEnv>;

/** Everything below /scim/v2. It knows no session and no cookie: a call brings the token of an identity provider. */
const app = new Hono<ScimEnv>().basePath(BASE);

app.use('*', async (c, next) => {
  const { services } = c.env;
  const id = services.newId('request');
  c.set('id', id);
  c.header('X-Request-Id', id);
  c.header('Cache-Control', 'no-store');
  const url = new URL(c.req.url);
  const located = await locateCaller(services, c.req.header('Authorization'));
  const request = { id, method: c.req.method, route: url.pathname, origin: originOf(c.req.raw, services.settings.ENVIRONMENT) };
  const path = `${url.pathname.slice(BASE.length)}${url.search}`.slice(0, 500);
  c.set('call', { ...located, services, request, base: `${services.settings.ORIGIN}${BASE}`, path, body: await bodyOf(c) });
  await next();
});

async function bodyOf(c: C): Promise<unknown> {
  if (!['POST', 'PUT', 'PATCH'].includes(c.req.method)) return undefined;
  const text = await readBounded(c.req.raw);
  if (text.trim() === '') throw new ScimError(400, 'invalidSyntax', 'The body is empty');
  if (!/^application\/(?:scim\+)?json\b/i.test(c.req.header('Content-Type') ?? ''))
    throw new ScimError(415, null, `Send Content-Type: ${CONTENT_TYPE}`);
  if (depthOf(text) > MAX_DEPTH) throw new ScimError(400, 'invalidSyntax', `The body must be nested at most ${MAX_DEPTH} deep`);
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new ScimError(400, 'invalidSyntax', 'The body is no JSON');
  }
}

async function readBounded(request: Request): Promise<string> {
  const tooLarge = () => new ScimError(413, null, 'A body is at most 4 MiB');
  if (Number(request.headers.get('Content-Length') ?? 0) > MAX_BODY) throw tooLarge();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.byteLength;
    if (size > MAX_BODY) throw tooLarge();
    chunks.push(chunk);
  }
  return new Blob(chunks).text();
}

/** Deepest nesting of brackets outside strings, without parsing. */
function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{}]/gs)) {
    if (token === '{' || token === '[') deepest = Math.max(deepest, ++depth);
    else if (token === '}' || token === ']') depth--;
  }
  return deepest;
}

function respond(c: C, { status, body, etag, location }: Answer): Response {
  const headers = new Headers({ 'X-Request-Id': c.get('id'), 'Cache-Control': 'no-store' });
  if (etag !== undefined) headers.set('ETag', etag);
  if (location !== undefined) headers.set(status === 201 ? 'Location' : 'Content-Location', location);
  if (body !== null) headers.set('Content-Type', `${CONTENT_TYPE}; charset=utf-8`);
  return new Response(body === null ? null : JSON.stringify(body), { status, headers });
}

const asked = (c: C) => askedBy(new URL(c.req.url).searchParams.entries());
const askedInBody = (c: C) => askedBy(Object.entries(objectOf(c.get('call').body, 'The body')));
const projection = (c: C, type: ResourceType) => projectionOf(type, asked(c));
const conditions = (c: C): Conditions => ({
  ifMatch: c.req.header('If-Match') ?? null,
  ifNoneMatch: c.req.header('If-None-Match') ?? null,
});

const { User, Group } = RESOURCE_TYPES;
app
  .get('/Users', async (c) => respond(c, await users.listUsers(c.get('call'), asked(c))))
  .post('/Users', async (c) => respond(c, await users.createUser(c.get('call'), projection(c, User))))
  .post('/Users/.search', async (c) => respond(c, await users.listUsers(c.get('call'), askedInBody(c))))
  .get('/Users/:id', async (c) => respond(c, await users.readUser(c.get('call'), c.req.param('id'), projection(c, User), conditions(c))))
  .put('/Users/:id', async (c) => respond(c, await users.replaceUser(c.get('call'), c.req.param('id'), projection(c, User), conditions(c))))
  .patch('/Users/:id', async (c) => respond(c, await users.patchUser(c.get('call'), c.req.param('id'), projection(c, User), conditions(c))))
  .delete('/Users/:id', async (c) => respond(c, await users.deleteUser(c.get('call'), c.req.param('id'), conditions(c))))
  .get('/Groups', async (c) => respond(c, await groups.listGroups(c.get('call'), asked(c))))
  .post('/Groups', async (c) => respond(c, await groups.createGroup(c.get('call'), projection(c, Group))))
  .post('/Groups/.search', async (c) => respond(c, await groups.listGroups(c.get('call'), askedInBody(c))))
  .get('/Groups/:id', async (c) =>
    respond(c, await groups.readGroup(c.get('call'), c.req.param('id'), projection(c, Group), conditions(c))),
  )
  .put('/Groups/:id', async (c) =>
    respond(c, await groups.replaceGroup(c.get('call'), c.req.param('id'), projection(c, Group), conditions(c))),
  )
  .patch('/Groups/:id', async (c) =>
    respond(c, await groups.patchGroup(c.get('call'), c.req.param('id'), projection(c, Group), conditions(c))),
  )
  .delete('/Groups/:id', async (c) => respond(c, await groups.deleteGroup(c.get('call'), c.req.param('id'), conditions(c))));

/** What Gatehouse says of itself; a filter over that is refused (RFC 7644 §4). */
async function describe(c: C, shown: (base: string) => Json | undefined): Promise<Response> {
  const call = c.get('call');
  const { ctx } = await enter(call, []);
  noteRead(ctx);
  if (asked(c).has('filter')) throw new ScimError(403, null, 'This can’t be filtered');
  const body = shown(call.base);
  if (!body) throw new ScimError(404, null, 'There is nothing of this name');
  return respond(c, { status: 200, body });
}
const whole = (all: Json[]): Json => listOf(all, { total: all.length, startIndex: 1 });
const named = (all: Json[], id: string) => all.find((each) => String(each['id']).toLowerCase() === id.toLowerCase());

app
  .get('/ServiceProviderConfig', (c) => describe(c, (base) => configAt(base, `${c.env.services.settings.ORIGIN}/docs/api`)))
  .get('/Schemas', (c) => describe(c, (base) => whole(schemasAt(base))))
  .get('/Schemas/:id', (c) => describe(c, (base) => named(schemasAt(base), c.req.param('id'))))
  .get('/ResourceTypes', (c) => describe(c, (base) => whole(resourceTypesAt(base))))
  .get('/ResourceTypes/:id', (c) => describe(c, (base) => named(resourceTypesAt(base), c.req.param('id'))));

const unsupported = async (c: C): Promise<Response> => {
  await enter(c.get('call'), []);
  throw new ScimError(501, null, 'Gatehouse does not offer this: a directory’s token is nobody’s person, and there is no bulk');
};
app.all('/Me', unsupported).all('/Bulk', unsupported);

app.notFound(async (c) => {
  await enter(c.get('call'), []);
  return respond(c, { status: 404, body: errorBody(404, 'There is no such address in SCIM', null) });
});

app.onError((error, c) => {
  const [status, detail, scimType] = errorOf(error);
  const { services } = c.env;
  if (status >= 500 && status !== 501 && status !== 503)
    services.log('error', 'a provisioning call failed', { requestId: c.get('id'), error: error.stack ?? String(error) });
  const response = respond(c, { status, body: errorBody(status, detail, scimType) });
  if (status === 401) response.headers.set('WWW-Authenticate', 'Bearer realm="Gatehouse SCIM"');
  if (status === 503) response.headers.set('Retry-After', '3');
  return response;
});

function errorOf(error: unknown): [number, string, string | null] {
  if (error instanceof ScimError) return [error.status, error.message, error.scimType];
  if (error instanceof AppError) return [ERRORS[error.code].status, error.message, null];
  return [500, 'Something went wrong on our side', null];
}

export const serveScim = async (services: Services, request: Request): Promise<Response> => app.fetch(request, { services });
