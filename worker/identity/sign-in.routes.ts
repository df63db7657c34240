import { createRoute } from '@hono/zod-openapi';
import { done } from '@gatehouse/core/api/common.ts';
import { invitationAccept } from '@gatehouse/core/api/directory.ts';
import * as api from '@gatehouse/core/api/identity.ts';
import { body, json, noContent, problems, routes } from '../platform/route.ts';
import { clearSessionCookie, setSessionCookie } from './cookie.ts';
import { acceptInvitation } from './join.ts';
import { signOut } from './sessions.ts';
import { signIn } from './sign-in.ts';
import { signUp } from './sign-up.ts';
import { verifyEmail } from './verification.ts';

const tags = ['Sign-in'];
const postSignUp = createRoute({
  method: 'post',
  path: '/signup',
  summary: 'Open an organisation, and sign in as its owner',
  tags,
  request: body(api.signUp),
  responses: { 201: json(api.me), ...problems },
});
const postLogin = createRoute({
  method: 'post',
  path: '/login',
  summary: 'Sign in',
  tags,
  request: body(api.login),
  responses: { 200: json(api.me), ...problems },
});
const postAccept = createRoute({
  method: 'post',
  path: '/invitations/accept',
  summary: 'Accept an invitation, and sign in',
  tags,
  request: body(invitationAccept),
  responses: { 201: json(api.me), ...problems },
});
const postVerify = createRoute({
  method: 'post',
  path: '/verify-email',
  summary: 'Verify an e-mail address',
  tags,
  request: body(api.verifyEmail),
  responses: { 200: json(done), ...problems },
});
const postLogout = createRoute({ method: 'post', path: '/logout', summary: 'Sign out', tags, responses: { 204: noContent, ...problems } });

export const signInRoutes = routes()
  .openapi(postSignUp, async (c) => {
    const { me, credential } = await signUp(c.get('services'), c.get('request'), c.req.valid('json'));
    setSessionCookie(c, credential);
    return c.json(me, 201);
  })
  .openapi(postLogin, async (c) => {
    const { me, credential } = await signIn(c.get('services'), c.get('request'), c.req.valid('json'));
    setSessionCookie(c, credential);
    return c.json(me, 200);
  })
  .openapi(postAccept, async (c) => {
    const { me, credential } = await acceptInvitation(c.get('services'), c.get('request'), c.req.valid('json'));
    setSessionCookie(c, credential);
    return c.json(me, 201);
  })
  .openapi(postVerify, async (c) => {
    await verifyEmail(c.get('services'), c.get('request'), c.req.valid('json').token);
    return c.json({ ok: true as const }, 200);
  })
  .openapi(postLogout, async (c) => {
    await signOut(c.get('signedIn'));
    clearSessionCookie(c);
    return c.body(null, 204);
  });
