import { createRoute } from '@hono/zod-openapi';
import { z } from 'zod';
import * as api from '@gatehouse/core/api/factors.ts';
import { idSchema } from '@gatehouse/core/ids.ts';
import { body, json, noContent, problems, routes } from '../platform/route.ts';
import { setSessionCookie } from './cookie.ts';
import { listFactors } from './factors.ts';
import { resetFactors } from './factors-reset.ts';
import { addPasskey, beginPasskey, changePasskey, removePasskey } from './passkeys.ts';
import { changePassword } from './password-change.ts';
import { makeRecoveryCodes } from './recovery-codes.ts';
import { beginPasskeyStepUp, stepUpByPasskey, stepUpByPassword } from './step-up.ts';
import { beginTotp, disableTotp, enableTotp } from './totp.ts';

const params = z.object({ id: idSchema('passkey') });

const tags = ['Factors'];
const getFactors = createRoute({
  method: 'get',
  path: '/me/factors',
  summary: 'How you can prove who you are',
  tags,
  responses: { 200: json(api.factors), ...problems },
});
const postPassword = createRoute({
  method: 'post',
  path: '/me/password',
  summary: 'Change your password',
  tags,
  request: body(api.passwordChange),
  responses: { 204: noContent, ...problems },
});
const postStepUpPassword = createRoute({
  method: 'post',
  path: '/me/step-up/password',
  summary: 'Confirm that it is you, by password and code',
  tags,
  request: body(api.stepUpPassword),
  responses: { 200: json(api.steppedUp), ...problems },
});
const postStepUpOptions = createRoute({
  method: 'post',
  path: '/me/step-up/passkey/options',
  summary: 'A challenge for one of your passkeys',
  tags,
  responses: { 200: json(api.assertionOptions), ...problems },
});
const postStepUpPasskey = createRoute({
  method: 'post',
  path: '/me/step-up/passkey',
  summary: 'Confirm that it is you, by passkey',
  tags,
  request: body(api.stepUpPasskey),
  responses: { 200: json(api.steppedUp), ...problems },
});
const postPasskeyOptions = createRoute({
  method: 'post',
  path: '/me/passkeys/options',
  summary: 'A challenge for a new passkey',
  tags,
  responses: { 200: json(api.registrationOptions), ...problems },
});
const postPasskey = createRoute({
  method: 'post',
  path: '/me/passkeys',
  summary: 'Add a passkey; a first factor brings recovery codes',
  tags,
  request: body(api.passkeyAdd),
  responses: { 201: json(api.passkeyAdded), ...problems },
});
const patchPasskey = createRoute({
  method: 'patch',
  path: '/me/passkeys/{id}',
  summary: 'Rename a passkey',
  tags,
  request: { params, ...body(api.passkeyUpdate) },
  responses: { 200: json(api.passkey), ...problems },
});
const deletePasskey = createRoute({
  method: 'delete',
  path: '/me/passkeys/{id}',
  summary: 'Remove a passkey',
  tags,
  request: { params },
  responses: { 204: noContent, ...problems },
});
const postTotp = createRoute({
  method: 'post',
  path: '/me/totp',
  summary: 'A secret for an authenticator app, to be confirmed by a code',
  tags,
  responses: { 201: json(api.totpStarted), ...problems },
});
const postTotpConfirm = createRoute({
  method: 'post',
  path: '/me/totp/confirm',
  summary: 'Confirm the authenticator app; a first factor brings recovery codes',
  tags,
  request: body(api.totpConfirm),
  responses: { 200: json(api.totpConfirmed), ...problems },
});
const deleteTotp = createRoute({
  method: 'delete',
  path: '/me/totp',
  summary: 'Remove the authenticator app',
  tags,
  responses: { 204: noContent, ...problems },
});
const postRecoveryCodes = createRoute({
  method: 'post',
  path: '/me/recovery-codes',
  summary: 'New recovery codes, shown this once; older ones are void',
  tags,
  responses: { 201: json(api.recoveryCodes), ...problems },
});

const deleteFactors = createRoute({
  method: 'delete',
  path: '/users/{id}/factors',
  summary: 'Remove all second factors of somebody who has lost them',
  tags,
  request: { params: z.object({ id: idSchema('user') }) },
  responses: { 204: noContent, ...problems },
});

export const factorRoutes = routes()
  .openapi(deleteFactors, async (c) => {
    await resetFactors(c.get('signedIn'), c.req.valid('param').id);
    return c.body(null, 204);
  })
  .openapi(getFactors, async (c) => c.json(await listFactors(c.get('signedIn')), 200))
  .openapi(postPassword, async (c) => {
    await changePassword(c.get('signedIn'), c.req.valid('json'));
    return c.body(null, 204);
  })
  .openapi(postStepUpPassword, async (c) => {
    const { authenticatedAt, credential } = await stepUpByPassword(c.get('signedIn'), c.req.valid('json'));
    setSessionCookie(c, credential);
    return c.json({ authenticatedAt }, 200);
  })
  .openapi(postStepUpOptions, async (c) => c.json(await beginPasskeyStepUp(c.get('signedIn')), 200))
  .openapi(postStepUpPasskey, async (c) => {
    const { authenticatedAt, credential } = await stepUpByPasskey(c.get('signedIn'), c.req.valid('json').credential);
    setSessionCookie(c, credential);
    return c.json({ authenticatedAt }, 200);
  })
  .openapi(postPasskeyOptions, async (c) => c.json(await beginPasskey(c.get('signedIn')), 200))
  .openapi(postPasskey, async (c) => c.json(await addPasskey(c.get('signedIn'), c.req.valid('json')), 201))
  .openapi(patchPasskey, async (c) =>
    c.json(await changePasskey(c.get('signedIn'), c.req.valid('param').id, c.req.valid('json').name), 200),
  )
  .openapi(deletePasskey, async (c) => {
    await removePasskey(c.get('signedIn'), c.req.valid('param').id);
    return c.body(null, 204);
  })
  .openapi(postTotp, async (c) => c.json(await beginTotp(c.get('signedIn')), 201))
  .openapi(postTotpConfirm, async (c) => c.json({ recoveryCodes: await enableTotp(c.get('signedIn'), c.req.valid('json').code) }, 200))
  .openapi(deleteTotp, async (c) => {
    await disableTotp(c.get('signedIn'));
    return c.body(null, 204);
  })
  .openapi(postRecoveryCodes, async (c) => c.json({ recoveryCodes: await makeRecoveryCodes(c.get('signedIn')) }, 201));
