import { beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { app } from '../../../worker/app.ts';
import { OPEN_ROUTES } from '../../../worker/gate.ts';
import { call, ORIGIN } from '../../support/tenants.ts';

const content = z.record(z.string(), z.object({ schema: z.record(z.string(), z.unknown()) }));
const operationSchema = z.object({
  summary: z.string().min(1).max(80),
  tags: z.array(z.string()).length(1),
  security: z.array(z.record(z.string(), z.array(z.string()))).optional(),
  parameters: z.array(z.object({ name: z.string(), in: z.enum(['path', 'query', 'header']), required: z.boolean() })).optional(),
  requestBody: z.object({ required: z.literal(true), content }).optional(),
  responses: z.record(z.string(), z.object({ description: z.string().min(1), content: content.optional() })),
});
const documentSchema = z.object({
  openapi: z.literal('3.1.0'),
  info: z.object({ title: z.string(), version: z.string() }),
  servers: z.array(z.object({ url: z.string() })),
  security: z.array(z.record(z.string(), z.array(z.string()))),
  paths: z.record(z.string(), z.record(z.enum(['get', 'post', 'put', 'patch', 'delete']), operationSchema.optional())),
  components: z.object({ schemas: z.record(z.string(), z.unknown()), securitySchemes: z.record(z.string(), z.unknown()) }),
});
type Operation = z.infer<typeof operationSchema>;

let text: string;
let document: z.infer<typeof documentSchema>;
/** `GET /api/v1/templates/:id` → its operation */
let operations: Map<string, Operation>;

beforeAll(async () => {
  const answer = await call('GET', '/openapi.json');
  expect(answer.status).toBe(200);
  text = JSON.stringify(answer.body);
  document = documentSchema.parse(answer.body);
  operations = new Map(
    Object.entries(document.paths).flatMap(([path, item]) =>
      Object.entries(item).flatMap(([method, operation]) =>
        operation ? [[`${method.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ':$1')}`, operation] as const] : [],
      ),
    ),
  );
});

/** Every value that stands under this key, at any depth. */
function valuesOf(key: string, within: unknown): unknown[] {
  if (typeof within !== 'object' || within === null) return [];
  return Object.entries(within).flatMap(([name, value]) => [...(name === key ? [value] : []), ...valuesOf(key, value)]);
}

describe('GET /api/v1/openapi.json', () => {
  test('describes every route of the API, and none besides', () => {
    const registered = app.routes.filter(({ method }) => method !== 'ALL').map(({ method, path }) => `${method} ${path}`);
    expect([...operations.keys()].sort()).toEqual([...new Set(registered)].sort());
  });

  test('says where this deployment is', () => {
    expect(document.servers).toEqual([{ url: ORIGIN }]);
  });

  test('every operation may answer a problem, and one thing that is none', () => {
    for (const [route, { responses }] of operations) {
      const { default: problem, ...own } = responses;
      expect(problem?.content, route).toEqual({ 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } });
      expect(Object.keys(own).length, route).toBeGreaterThan(0);
    }
  });

  test('every parameter of a path is described and required', () => {
    for (const [route, { parameters = [] }] of operations) {
      const described = parameters.filter((one) => one.in === 'path' && one.required).map(({ name }) => name);
      expect(described, route).toEqual([...route.matchAll(/:(\w+)/g)].map(([, name]) => name));
    }
  });

  test('what it refers to is there', () => {
    for (const ref of valuesOf('$ref', document)) {
      expect(ref).toMatch(/^#\/components\/schemas\/\w+$/);
      expect(document.components.schemas).toHaveProperty(String(ref).split('/').at(-1) ?? '');
    }
    const named = [document.security, ...[...operations.values()].map(({ security = [] }) => security)].flat().flatMap(Object.keys);
    expect([...new Set(named)].sort()).toEqual(Object.keys(document.components.securitySchemes).sort());
  });

  test('what opens without a session says so; everything else asks for one', () => {
    for (const [route, { security }] of operations) expect(security === undefined, route).toBe(!(route in OPEN_ROUTES));
    expect(operations.get('POST /api/v1/login')?.security).toEqual([]);
    expect(operations.get('GET /api/v1/runner/control')?.security).toEqual([{ token: [] }]);
  });

  test('says which routes read the proof of a browser’s key, and which need it', () => {
    const needed = (wanted: boolean) =>
      [...operations]
        .filter(([, { parameters = [] }]) =>
          parameters.some((one) => one.in === 'header' && one.name === 'DPoP' && one.required === wanted),
        )
        .map(([route]) => route);
    expect(needed(true).sort()).toEqual(['POST /api/v1/me/session/key', 'POST /api/v1/workspaces/:id/attach']);
    expect(needed(false).sort()).toEqual([
      ...['POST /api/v1/invitations/accept', 'POST /api/v1/login', 'POST /api/v1/login/passkey', 'POST /api/v1/login/recovery-code'],
      ...['POST /api/v1/login/totp', 'POST /api/v1/signup'],
    ]);
  });

  test('carries the limits that requests are held to', () => {
    const schema = operations.get('POST /api/v1/signup')?.requestBody?.content['application/json']?.schema;
    expect(schema).toMatchObject({ properties: { user: { properties: { password: { minLength: 12, maxLength: 256 } } } } });
  });

  test('shows no secret, not even as an example', () => {
    expect(valuesOf('example', document).concat(valuesOf('examples', document))).toEqual([]);
    expect(text).not.toMatch(/\bgh[a-z]_|whsec_|Bearer |BEGIN /);
  });
});
