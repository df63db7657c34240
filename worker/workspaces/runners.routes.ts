import { createRoute } from '@hono/zod-openapi';
import { z } from 'zod';
import { page } from '@gatehouse/core/api/common.ts';
import { runnerRotation } from '@gatehouse/core/protocol/runner-rotation.ts';
import { runnerDrain, runnerKeysChanged, runnerUpdate } from '@gatehouse/core/api/runner-capacity.ts';
import * as api from '@gatehouse/core/api/runners.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { idSchema } from '@gatehouse/core/ids.ts';
import { body, decodeCursor, json, noContent, pageOf, problems, requireUpgrade, routes, socket, versionFor } from '../platform/route.ts';
import { linkFactsFor } from './connections.ts';
import { drainRunner, liftDrain } from './drain.ts';
import { removeRunner, revokeRunner } from './runner-revoke.ts';
import { rotateKeys } from './runner-rotation.ts';
import { changeRunner } from './runner-capacity.ts';
import { authenticateRunner, confirmRunner, createEnrollment, enrollRunner, listRunners, readEnrollment } from './runners.ts';
import { presentRunner } from './runners.store.ts';

const params = z.object({ id: idSchema('runner') });

const tags = ['Runners'];
const list = createRoute({
  method: 'get',
  path: '/runners',
  summary: 'Runners and their state',
  tags,
  request: { query: page },
  responses: { 200: json(api.runnerList), ...problems },
});
const remove = createRoute({
  method: 'delete',
  path: '/runners/{id}',
  summary: 'Remove a runner',
  tags,
  request: { params },
  responses: { 204: noContent, ...problems },
});
const update = createRoute({
  method: 'patch',
  path: '/runners/{id}',
  summary: 'Say how many workspaces run on a runner at once',
  tags,
  request: { params, ...body(runnerUpdate) },
  responses: { 200: json(api.runner), ...problems },
});
const drain = createRoute({
  method: 'post',
  path: '/runners/{id}/drain',
  summary: 'Empty a runner: nothing starts there, and what runs goes on until a moment',
  tags,
  request: { params, ...body(runnerDrain) },
  responses: { 200: json(api.runner), ...problems },
});
const lift = createRoute({
  method: 'delete',
  path: '/runners/{id}/drain',
  summary: 'Let a runner take workspaces again',
  tags,
  request: { params },
  responses: { 200: json(api.runner), ...problems },
});
const revoke = createRoute({
  method: 'post',
  path: '/runners/{id}/revoke',
  summary: 'Shut a runner out for good; its workspaces stay listed',
  tags,
  request: { params },
  responses: { 200: json(api.runner), ...problems },
});
const confirm = createRoute({
  method: 'post',
  path: '/runners/{id}/confirm',
  summary: 'Confirm a runner by its fingerprint',
  tags,
  request: { params, ...body(api.runnerConfirm) },
  responses: { 200: json(api.runner), ...problems },
});
const makeCode = createRoute({
  method: 'post',
  path: '/runner-enrollments',
  summary: 'Make an enrolment code; it is shown this once',
  tags,
  request: body(api.enrollmentCreate),
  responses: { 201: json(api.enrollmentCreated), ...problems },
});
const readCode = createRoute({
  method: 'get',
  path: '/runner-enrollments/{id}',
  summary: 'How far an enrolment is',
  tags,
  request: { params: z.object({ id: idSchema('enrollment') }) },
  responses: { 200: json(api.enrollment), ...problems },
});
const enroll = createRoute({
  method: 'post',
  path: '/runner/enroll',
  summary: 'Enrol a runner with its code',
  tags,
  // The code is in the body.
  security: [],
  request: body(api.runnerEnroll),
  responses: { 201: json(api.runnerEnrolled), ...problems },
});
const rotate = createRoute({
  method: 'post',
  path: '/runner/keys',
  summary: 'A runner changes its keys, signed by the old and the new ones',
  tags,
  request: body(runnerRotation),
  responses: { 200: json(runnerKeysChanged), ...problems },
});
const control = createRoute({
  method: 'get',
  path: '/runner/control',
  summary: 'The runner’s control connection',
  tags,
  responses: socket,
});
const link = createRoute({
  method: 'get',
  path: '/runner/workspaces/{id}/link',
  summary: 'The runner’s end of a workspace’s connection',
  tags,
  request: { params: z.object({ id: idSchema('workspace') }) },
  responses: socket,
});

const cursorKeys = z.tuple([z.string()]);
/** Enrolments tried from one network. */
const ENROLL_RULE = { limit: 30, windowSeconds: 900 };

export const runnerRoutes = routes()
  .openapi(list, async (c) => {
    const { limit, cursor } = c.req.valid('query');
    const after = cursor === undefined ? null : decodeCursor(cursor, cursorKeys)[0];
    const rows = await listRunners(c.get('signedIn'), { limit, after });
    return c.json(
      pageOf(rows, limit, presentRunner, (row) => [row.name]),
      200,
    );
  })
  .openapi(remove, async (c) => {
    await removeRunner(c.get('signedIn'), c.req.valid('param').id);
    return c.body(null, 204);
  })
  .openapi(update, async (c) => c.json(await changeRunner(c.get('signedIn'), c.req.valid('param').id, c.req.valid('json')), 200))
  .openapi(drain, async (c) => c.json(await drainRunner(c.get('signedIn'), c.req.valid('param').id, c.req.valid('json')), 200))
  .openapi(lift, async (c) => c.json(await liftDrain(c.get('signedIn'), c.req.valid('param').id), 200))
  .openapi(revoke, async (c) => c.json(await revokeRunner(c.get('signedIn'), c.req.valid('param').id), 200))
  .openapi(confirm, async (c) =>
    c.json(await confirmRunner(c.get('signedIn'), c.req.valid('param').id, c.req.valid('json').fingerprint), 200),
  )
  .openapi(makeCode, async (c) => c.json(await createEnrollment(c.get('signedIn'), c.req.valid('json')), 201))
  .openapi(readCode, async (c) => c.json(await readEnrollment(c.get('signedIn'), c.req.valid('param').id), 200))
  .openapi(enroll, async (c) => {
    const services = c.get('services');
    const wait = await services.throttle.begin(`enroll:${c.get('request').origin.ip ?? 'unknown'}`, ENROLL_RULE);
    if (wait > 0) throw new AppError('rate-limited', 'Too many enrolments were tried from this network', { retryAfter: wait });
    return c.json(await enrollRunner(services, c.get('request'), c.req.valid('json')), 201);
  })
  .openapi(rotate, async (c) => {
    const ctx = await authenticateRunner(c.get('services'), c.get('request'), c.req.header('Authorization'));
    return c.json(await rotateKeys(ctx, c.req.valid('json')), 200);
  })
  .openapi(control, async (c) => {
    // The token first: a runner whose socket was refused asks again without the upgrade to learn why.
    const ctx = await authenticateRunner(c.get('services'), c.get('request'), c.req.header('Authorization'));
    requireUpgrade(c.req.raw);
    const facts = {
      kind: 'control' as const,
      tenantId: ctx.db.tenantId,
      shard: ctx.db.shard,
      runnerId: ctx.actor.id,
      runnerName: ctx.actor.name,
      identityKey: ctx.identityKey,
    };
    return ctx.workspaces.connectRunner(ctx.db.shard, ctx.actor.id, facts);
  })
  .openapi(link, async (c) => {
    // The token first: a runner whose socket was refused asks again without the upgrade to learn why.
    const ctx = await authenticateRunner(c.get('services'), c.get('request'), c.req.header('Authorization'));
    const version = versionFor(c.req.header('Sec-WebSocket-Protocol'));
    requireUpgrade(c.req.raw);
    const { id } = c.req.valid('param');
    return ctx.workspaces.connectWorkspace(ctx.db.shard, id, await linkFactsFor(ctx, id, version));
  });
