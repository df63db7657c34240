import { createRoute } from '@hono/zod-openapi';
import { z } from 'zod';
import { page } from '@gatehouse/core/api/common.ts';
import { sessionsEnd } from '@gatehouse/core/api/factors.ts';
import * as api from '@gatehouse/core/api/identity.ts';
import { idSchema } from '@gatehouse/core/ids.ts';
import { json, keysetPage, noContent, problems, routes } from '../platform/route.ts';
import { clearSessionCookie } from './cookie.ts';
import { bindSessionKey } from './session-key.ts';
import { endSession, listSessions, readMe, signOutEverywhere, signOutOthers } from './sessions.ts';
import { resendVerification } from './verification.ts';

const params = z.object({ id: idSchema('session') });

const tags = ['Account'];
const getMe = createRoute({
  method: 'get',
  path: '/me',
  summary: 'Who is signed in, and what they may do',
  tags,
  responses: { 200: json(api.me), ...problems },
});
const postVerification = createRoute({
  method: 'post',
  path: '/me/verification',
  summary: 'Send the verification mail again',
  tags,
  responses: { 204: noContent, ...problems },
});
const getSessions = createRoute({
  method: 'get',
  path: '/me/sessions',
  summary: 'Your sessions',
  tags,
  request: { query: page },
  responses: { 200: json(api.sessionList), ...problems },
});
const deleteSessions = createRoute({
  method: 'delete',
  path: '/me/sessions',
  summary: 'Sign out everywhere, here too; `keep=current`: everywhere else',
  tags,
  request: { query: sessionsEnd },
  responses: { 204: noContent, ...problems },
});
const deleteSession = createRoute({
  method: 'delete',
  path: '/me/sessions/{id}',
  summary: 'End one of your sessions',
  tags,
  request: { params },
  responses: { 204: noContent, ...problems },
});
const postSessionKey = createRoute({
  method: 'post',
  path: '/me/session/key',
  summary: 'Bind this session to the key of its browser, with a DPoP proof',
  tags,
  responses: { 204: noContent, ...problems },
});

export const accountRoutes = routes()
  .openapi(getMe, async (c) => c.json(await readMe(c.get('signedIn')), 200))
  .openapi(postVerification, async (c) => {
    await resendVerification(c.get('signedIn'));
    return c.body(null, 204);
  })
  .openapi(postSessionKey, async (c) => {
    await bindSessionKey(c.get('signedIn'));
    return c.body(null, 204);
  })
  .openapi(getSessions, async (c) => c.json(await listSessions(c.get('signedIn'), keysetPage(c.req.valid('query'))), 200))
  .openapi(deleteSessions, async (c) => {
    if (c.req.valid('query').keep) await signOutOthers(c.get('signedIn'));
    else {
      await signOutEverywhere(c.get('signedIn'));
      clearSessionCookie(c);
    }
    return c.body(null, 204);
  })
  .openapi(deleteSession, async (c) => {
    await endSession(c.get('signedIn'), c.req.valid('param').id);
    return c.body(null, 204);
  });
