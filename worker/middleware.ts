import { createMiddleware } from 'hono/factory';
import { AppError } from '@gatehouse/core/errors.ts';
import { compose } from './compose.ts';
import { depthOf, readBounded } from './platform/bounded.ts';
import type { Env } from './platform/env.ts';
import { originOf } from './platform/origin.ts';
import { readProof } from './platform/proof.ts';
import type { HonoEnv } from './platform/route.ts';

/** Largest JSON body of the API, and its deepest nesting. */
const MAX_BODY = 256 * 1024;
const MAX_DEPTH = 20;

/** Services, the request's facts and an id that also stands in the log line and the audit event. */
export const begin = createMiddleware<HonoEnv & { Bindings: Env }>(async (c, next) => {
  const services = compose(c.env, (work) => c.executionCtx.waitUntil(work));
  const id = services.newId('request');
  c.set('services', services);
  const { ORIGIN, ENVIRONMENT } = services.settings;
  const proof = await readProof(c.req.raw, ORIGIN, services.now());
  c.set('request', { id, method: c.req.method, route: c.req.path, origin: originOf(c.req.raw, ENVIRONMENT), proof });
  c.header('X-Request-Id', id);
  c.header('Cache-Control', 'no-store');
  await next();
});

/** What runners bring sealed is no JSON: its routes read it themselves, and bound it to the byte. */
const MAX_SEALED = 5 * 1024 * 1024;
const SEALED = /^\/api\/v1\/runner\/snapshots\/[^/]+\/(?:manifest|chunks\/[^/]+)$/;

/** A logout token comes in a form: the standard says so. */
const FORM = /^\/api\/v1\/sso\/backchannel-logout\/[^/]+$/;

/** Bodies are JSON of bounded size and depth; what is larger is not even parsed. */
export const boundedBody = createMiddleware<HonoEnv>(async (c, next) => {
  if (c.req.method !== 'GET' && c.req.method !== 'HEAD' && c.req.raw.body) {
    if (SEALED.test(c.req.path)) {
      if (Number(c.req.header('Content-Length') ?? 0) > MAX_SEALED) throw new AppError('too-large', 'A sealed body is at most 5 MiB');
      return next();
    }
    const text = await readBounded(c.req.raw, MAX_BODY);
    if (text === null) throw new AppError('too-large', 'A body is at most 256 KiB');
    if (text !== '') {
      const form = FORM.test(c.req.path) && /^application\/x-www-form-urlencoded\b/i.test(c.req.header('Content-Type') ?? '');
      if (!form && !/^application\/json\b/i.test(c.req.header('Content-Type') ?? ''))
        throw new AppError('unsupported-media-type', 'Send Content-Type: application/json');
      if (depthOf(text) > MAX_DEPTH)
        throw new AppError('invalid', 'The body is nested too deep', {
          errors: [{ path: '', message: `must be nested at most ${MAX_DEPTH} deep` }],
        });
    }
    c.req.raw = new Request(c.req.raw, { body: text });
  }
  await next();
});
