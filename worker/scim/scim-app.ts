import { Hono, type Context as HonoContext } from 'hono';
import { AppError, ERRORS } from '@gatehouse/core/errors.ts';
import { configAt, errorBody, listOf, MAX_BODY, resourceTypesAt, schemasAt } from '@gatehouse/core/scim/describe.ts';
import type { Json } from '@gatehouse/core/scim/filter-match.ts';
import { objectOf } from '@gatehouse/core/scim/normalise.ts';
import { RESOURCE_TYPES, type ResourceType } from '@gatehouse/core/scim/schema.ts';
import { ScimError } from '@gatehouse/core/scim/scim-error.ts';
import { depthOf, readBounded } from '../platform/bounded.ts';
import type { Services } from '../platform/context.ts';
import { originOf } from '../platform/origin.ts';
import type { Answer, Conditions } from './answer.ts';
import { enter, locateCaller, noteRead, type Call } from './call.ts';
import { askedBy, projectionOf } from './list-query.ts';
import * as groups from './scim-groups.ts';
import { searchAll } from './scim-search.ts';
import * as users from './scim-users.ts';
import { writeFailure } from './written.ts';

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
  const url = new URL(c.req.url);
  const located = await locateCaller(services, c.req.header('Authorization'));
  const request = { id, method: c.req.method, route: url.pathname, origin: originOf(c.req.raw, services.settings.ENVIRONMENT) };
  const path = `${url.pathname.slice(BASE.length)}${url.search}`.slice(0, 500);
  c.set('call', { ...located, services, request, base: `${services.settings.ORIGIN}${BASE}`, path, body: undefined, entered: false });
  await next();
});

/** The call with its body, which only those read that take one. */
async function withBody(c: C): Promise<Call> {
  const text = await readBounded(c.req.raw, MAX_BODY);
  if (text === null) throw new ScimError(413, null, 'A body is at most 4 MiB');
  if (!/^application\/(?:scim\+)?json\b/i.test(c.req.header('Content-Type') ?? ''))
    throw new ScimError(415, null, `Send Content-Type: ${CONTENT_TYPE}`);
  if (depthOf(text) > MAX_DEPTH) throw new ScimError(400, 'invalidSyntax', `The body must be nested at most ${MAX_DEPTH} deep`);
  const call = c.get('call');
  try {
    call.body = JSON.parse(text) as unknown;
  } catch {
    throw new ScimError(400, 'invalidSyntax', 'The body is no JSON');
  }
  return call;
}

function respond(c: C, { status, body, etag, location }: Answer): Response {
  const headers = new Headers({ 'X-Request-Id': c.get('id'), 'Cache-Control': 'no-store' });
  if (etag !== undefined) headers.set('ETag', etag);
  if (location !== undefined) headers.set(status === 201 ? 'Location' : 'Content-Location', location);
  if (body !== null) headers.set('Content-Type', `${CONTENT_TYPE}; charset=utf-8`);
  return new Response(body === null ? null : JSON.stringify(body), { status, headers });
}

const asked = (c: C) => askedBy(new URL(c.req.url).searchParams.entries());
const askedIn = ({ body }: Call) => askedBy(Object.entries(objectOf(body, 'The body')));
const projection = (c: C, type: ResourceType) => projectionOf(type, asked(c));
const conditions = (c: C): Conditions => ({
  ifMatch: c.req.header('If-Match') ?? null,
  ifNoneMatch: c.req.header('If-None-Match') ?? null,
});

/** What the two kinds of resources have in common. */
const KINDS = {
  Users: {
    type: RESOURCE_TYPES.User,
    ...{ list: users.listUsers, create: users.createUser, read: users.readUser },
    ...{ replace: users.replaceUser, patch: users.patchUser, remove: users.deleteUser },
  },
  Groups: {
    type: RESOURCE_TYPES.Group,
    ...{ list: groups.listGroups, create: groups.createGroup, read: groups.readGroup },
    ...{ replace: groups.replaceGroup, patch: groups.patchGroup, remove: groups.deleteGroup },
  },
};

for (const [name, { type, list, create, read, replace, patch, remove }] of Object.entries(KINDS)) {
  const one = `/${name}/:id` as const;
  app
    .get(`/${name}`, async (c) => respond(c, await list(c.get('call'), asked(c))))
    .post(`/${name}`, async (c) => respond(c, await create(await withBody(c), projection(c, type))))
    .post(`/${name}/.search`, async (c) => respond(c, await list(c.get('call'), askedIn(await withBody(c)))))
    .get(one, async (c) => respond(c, await read(c.get('call'), c.req.param('id'), projection(c, type), conditions(c))))
    .put(one, async (c) => respond(c, await replace(await withBody(c), c.req.param('id'), projection(c, type), conditions(c))))
    .patch(one, async (c) => respond(c, await patch(await withBody(c), c.req.param('id'), projection(c, type), conditions(c))))
    .delete(one, async (c) => respond(c, await remove(c.get('call'), c.req.param('id'), conditions(c))))
    .all(`/${name}`, (c) => refuseMethod(c, 'GET, POST'))
    .all(one, (c) => refuseMethod(c, 'GET, PUT, PATCH, DELETE'));
}
app.post('/.search', async (c) => respond(c, await searchAll(c.get('call'), askedIn(await withBody(c)))));
app.get('/', async (c) => respond(c, await searchAll(c.get('call'), asked(c))));

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
for (const path of ['/ServiceProviderConfig', '/Schemas', '/Schemas/:id', '/ResourceTypes', '/ResourceTypes/:id'])
  app.all(path, (c) => refuseMethod(c, 'GET'));

async function refuseMethod(c: C, allowed: string): Promise<Response> {
  await enter(c.get('call'), []);
  const response = respond(c, { status: 405, body: errorBody(405, `This address takes ${allowed}`, null) });
  response.headers.set('Allow', allowed);
  return response;
}

const unsupported = async (c: C): Promise<Response> => {
  await enter(c.get('call'), []);
  throw new ScimError(501, null, 'Gatehouse does not offer this: a directory’s token is nobody’s person, and there is no bulk');
};
app.all('/Me', unsupported).all('/Bulk', unsupported);

app.notFound(async (c) => {
  await enter(c.get('call'), []);
  return respond(c, { status: 404, body: errorBody(404, 'There is no such address in SCIM', null) });
});

app.onError(async (error, c) => {
  try {
    await keepFault(c, error);
  } catch (refusal) {
    return answerError(c, refusal);
  }
  return answerError(c, error);
});

/** What was wrong with a call before its token was looked at is told to whoever has a true one, and stands in the log. */
async function keepFault(c: C, error: unknown): Promise<void> {
  const call = c.get('call') as Call | undefined;
  if (!(error instanceof ScimError) || call === undefined || call.entered) return;
  const { ctx } = await enter(call, []);
  const [kind, id] = new URL(c.req.url).pathname.slice(BASE.length + 1).split('/');
  await writeFailure(ctx, call, error, { type: kind === 'Groups' ? 'Group' : 'User', id: id ?? null, name: id ?? kind ?? '' });
}

function answerError(c: C, error: unknown): Response {
  const [status, detail, scimType] = errorOf(error);
  if (status === 500) {
    const { services } = c.env;
    services.log('error', 'a provisioning call failed', {
      requestId: c.get('id'),
      error: error instanceof Error ? error.stack : String(error),
    });
  }
  const response = respond(c, { status, body: errorBody(status, detail, scimType) });
  if (status === 401) response.headers.set('WWW-Authenticate', 'Bearer realm="Gatehouse SCIM"');
  if (status === 503) response.headers.set('Retry-After', '3');
  return response;
}

function errorOf(error: unknown): [number, string, string | null] {
  if (error instanceof ScimError) return [error.status, error.message, error.scimType];
  if (error instanceof AppError) return [ERRORS[error.code].status, error.message, null];
  return [500, 'Something went wrong on our side', null];
}

export const serveScim = async (services: Services, request: Request): Promise<Response> => app.fetch(request, { services });
