import { createRoute } from '@hono/zod-openapi';
import { done } from '@gatehouse/core/api/common.ts';
import * as factors from '@gatehouse/core/api/factors.ts';
import { invitationAccept } from '@gatehouse/core/api/directory.ts';
import * as api from '@gatehouse/core/api/identity.ts';
import type { Context as HonoContext } from 'hono';
import { body, json, noContent, problems, routes, type HonoEnv } from '../platform/route.ts';
import { authenticate } from './authenticate.ts';
import { clearSessionCookie, setSessionCookie } from './cookie.ts';
import type { Entered } from './enter.ts';
import { acceptInvitation } from './join.ts';
import { beginPasskeySignIn, enterByPasskey } from './passkey-sign-in.ts';
import { redeemPasswordReset, requestPasswordReset } from './password-reset.ts';
import { enterByRecoveryCode, enterByTotp } from './second-factor.ts';
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
  summary: 'Sign in by password; 202 asks for the second factor, and no session begins yet',
  tags,
  request: body(api.login),
  responses: { 200: json(api.me), 202: json(factors.secondFactor, 'A second factor is needed'), ...problems },
});
const postLoginTotp = createRoute({
  method: 'post',
  path: '/login/totp',
  summary: 'Sign in: the second factor, from an authenticator app',
  tags,
  request: body(factors.loginTotp),
  responses: { 200: json(api.me), ...problems },
});
const postLoginRecovery = createRoute({
  method: 'post',
  path: '/login/recovery-code',
  summary: 'Sign in: a recovery code in place of the second factor',
  tags,
  request: body(factors.loginRecoveryCode),
  responses: { 200: json(api.me), ...problems },
});
const postPasskeyOptions = createRoute({
  method: 'post',
  path: '/login/passkey/options',
  summary: 'A challenge for a passkey',
  tags,
  responses: { 200: json(factors.assertionOptions), ...problems },
});
const postLoginPasskey = createRoute({
  method: 'post',
  path: '/login/passkey',
  summary: 'Sign in by passkey; it says itself whose it is',
  tags,
  request: body(factors.loginPasskey),
  responses: { 200: json(api.me), ...problems },
});
const postReset = createRoute({
  method: 'post',
  path: '/password-resets',
  summary: 'Have a link mailed that sets a new password, if there is such a person',
  tags,
  request: body(factors.passwordResetRequest),
  responses: { 202: json(done), ...problems },
});
const postRedeem = createRoute({
  method: 'post',
  path: '/password-resets/redeem',
  summary: 'Set a new password by a mailed link; ends every session',
  tags,
  request: body(factors.passwordReset),
  responses: { 200: json(done), ...problems },
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

/**
 * The cookie of a session that begins. It never takes over the secret that the browser had before: that session, if it
 * was good, has ended.
 */
async function begin(c: HonoContext<HonoEnv>, { credential }: Entered): Promise<void> {
  const before = await authenticate(c.get('services'), c.get('request'), c.req.header('Cookie')).catch(() => null);
  if (before) await signOut(before);
  setSessionCookie(c, credential);
}

export const signInRoutes = routes()
  .openapi(postSignUp, async (c) => {
    const entered = await signUp(c.get('services'), c.get('request'), c.req.valid('json'));
    await begin(c, entered);
    return c.json(entered.me, 201);
  })
  .openapi(postLogin, async (c) => {
    const answer = await signIn(c.get('services'), c.get('request'), c.req.valid('json'));
    if ('challenge' in answer) return c.json(answer, 202);
    await begin(c, answer);
    return c.json(answer.me, 200);
  })
  .openapi(postLoginTotp, async (c) => {
    const entered = await enterByTotp(c.get('services'), c.get('request'), c.req.valid('json'));
    await begin(c, entered);
    return c.json(entered.me, 200);
  })
  .openapi(postLoginRecovery, async (c) => {
    const entered = await enterByRecoveryCode(c.get('services'), c.get('request'), c.req.valid('json'));
    await begin(c, entered);
    return c.json(entered.me, 200);
  })
  .openapi(postPasskeyOptions, async (c) => c.json(await beginPasskeySignIn(c.get('services'), c.get('request')), 200))
  .openapi(postLoginPasskey, async (c) => {
    const entered = await enterByPasskey(c.get('services'), c.get('request'), c.req.valid('json').credential);
    await begin(c, entered);
    return c.json(entered.me, 200);
  })
  .openapi(postReset, async (c) => {
    await requestPasswordReset(c.get('services'), c.get('request'), c.req.valid('json'));
    return c.json({ ok: true as const }, 202);
  })
  .openapi(postRedeem, async (c) => {
    await redeemPasswordReset(c.get('services'), c.get('request'), c.req.valid('json'));
    return c.json({ ok: true as const }, 200);
  })
  .openapi(postAccept, async (c) => {
    const entered = await acceptInvitation(c.get('services'), c.get('request'), c.req.valid('json'));
    await begin(c, entered);
    return c.json(entered.me, 201);
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
