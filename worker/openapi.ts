import { createRoute, type OpenAPIHono } from '@hono/zod-openapi';
import { z } from 'zod';
import { DPOP_HEADER } from '@gatehouse/core/protocol/dpop.ts';
import { OPEN_ROUTES } from './gate.ts';
import { VERSION } from './platform/deployment.routes.ts';
import { json, problems, type HonoEnv } from './platform/route.ts';

const apiDocument = z.looseObject({ openapi: z.string() });

export const getDocument = createRoute({
  method: 'get',
  path: '/openapi.json',
  summary: 'This document',
  tags: ['Deployment'],
  responses: { 200: json(apiDocument, 'OpenAPI 3.1'), ...problems },
});

const securitySchemes = {
  session: { type: 'apiKey', in: 'cookie', name: '__Host-gatehouse', description: 'Set by sign-in; changes need our own Origin too' },
  token: { type: 'http', scheme: 'bearer', description: 'An API token (gh_…); of a runner or of the operator where a route says so' },
} as const;

/** What a route behind each door of the gate asks for, unless it says otherwise itself. */
const DOORS = { page: [], program: [{ token: [] }] };

/** Routes that read the proof of a browser's key: a session begins with the key, is bound to it, or opens a workspace by it. */
const PROOFS: Readonly<Record<string, 'needed' | 'taken'>> = {
  'POST /api/v1/signup': 'taken',
  'POST /api/v1/login': 'taken',
  'POST /api/v1/login/totp': 'taken',
  'POST /api/v1/login/recovery-code': 'taken',
  'POST /api/v1/login/passkey': 'taken',
  'POST /api/v1/invitations/accept': 'taken',
  'POST /api/v1/me/session/key': 'needed',
  'POST /api/v1/workspaces/:id/attach': 'needed',
};
const PROOF_WORDS = {
  needed: 'Proof of the browser’s key (RFC 9449) for this method and address, made within a minute and used once',
  taken: 'Proof of the browser’s key (RFC 9449): the session is bound to that key. A session without one opens no workspace',
};

/** The whole API as OpenAPI 3.1, made of the schemas that validate requests. @param origin where this deployment is reached */
export function describeApi(app: Pick<OpenAPIHono<HonoEnv>, 'getOpenAPI31Document'>, origin: string): z.infer<typeof apiDocument> {
  const document = app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: { title: 'Gatehouse', version: VERSION, license: { name: 'Apache-2.0' } },
    servers: [{ url: origin }],
    security: [{ session: [] }, { token: [] }],
  });
  for (const [path, item] of Object.entries(document.paths ?? {})) {
    for (const method of ['get', 'post'] as const) {
      const route = `${method.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ':$1')}`;
      const [operation, door, proof] = [item[method], OPEN_ROUTES[route], PROOFS[route]];
      if (operation && door) operation.security ??= DOORS[door];
      if (operation && proof) {
        const header = { name: DPOP_HEADER, in: 'header', required: proof === 'needed', schema: { type: 'string' } } as const;
        operation.parameters = [...(operation.parameters ?? []), { ...header, description: PROOF_WORDS[proof] }];
      }
    }
  }
  return { ...document, components: { ...document.components, securitySchemes } };
}

/**
 * The document as this version serves it. Making it takes tens of milliseconds and anybody may ask, so the
 * platform's cache keeps it for an hour.
 */
export async function describeApiOnce(app: Parameters<typeof describeApi>[0], origin: string, defer: (work: Promise<unknown>) => void) {
  const address = `${origin}/api/v1/openapi.json?version=${VERSION}`;
  const kept = await caches.default.match(address);
  if (kept) return apiDocument.parse(await kept.json());
  const document = describeApi(app, origin);
  defer(caches.default.put(address, Response.json(document, { headers: { 'Cache-Control': 'max-age=3600' } })));
  return document;
}
