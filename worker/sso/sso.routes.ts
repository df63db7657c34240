import { createRoute, z } from '@hono/zod-openapi';
import * as api from '@gatehouse/core/api/sso.ts';
import { idSchema } from '@gatehouse/core/ids.ts';
import type { Context as HonoContext } from 'hono';
import { clearSessionCookie, setSessionCookie } from '../identity/cookie.ts';
import { authenticate } from '../identity/authenticate.ts';
import { signOut } from '../identity/sessions.ts';
import { body, json, noContent, problems, routes, type HonoEnv } from '../platform/route.ts';
import type { Begun } from './begin.ts';
import { clientKeys } from './connections.ts';
import { browserOf, setBrowserCookie } from './cookie.ts';
import { finish } from './finish.ts';
import { endByProvider, signOutEverywhereToo } from './logout.ts';
import { placed } from './place.ts';
import { beginSignIn } from './sign-in.ts';
import { beginStepUp } from './step-up.ts';
import { beginTest } from './test-sign-in.ts';

const tags = ['Single sign-on'];
const start = createRoute({
  ...{ method: 'post', path: '/login/sso/start', summary: 'Where to go to sign in at an organisation’s identity provider', tags },
  request: body(api.ssoStart),
  responses: { 200: json(api.ssoStarted), ...problems },
});
const end = createRoute({
  ...{ method: 'post', path: '/login/sso', tags },
  summary: 'What the provider gave the browser: signs in, confirms, or shows a dry run',
  request: body(api.ssoFinish),
  responses: { 200: json(api.ssoFinished), ...problems },
});
const confirmStart = createRoute({
  ...{ method: 'post', path: '/me/step-up/sso', summary: 'Where to go to confirm at the identity provider that it is you', tags },
  request: body(api.ssoConfirm),
  responses: { 200: json(api.ssoStarted), ...problems },
});
const testStart = createRoute({
  ...{ method: 'post', path: '/identity-providers/{id}/oidc/test', summary: 'Where to go to see what a sign-in would do', tags },
  request: { params: z.object({ id: idSchema('identityProvider') }) },
  responses: { 200: json(api.ssoStarted), ...problems },
});
const logout = createRoute({
  ...{ method: 'post', path: '/logout/sso', summary: 'Sign out; says where to sign out at the identity provider, too', tags },
  responses: { 200: json(api.ssoSignedOut), ...problems },
});
const place = z.object({ place: z.string().max(120) });
const jwks = createRoute({
  ...{ method: 'get', path: '/sso/clients/{place}/jwks', summary: 'Our public key, for an identity provider', tags },
  request: { params: place },
  responses: { 200: json(api.publicJwks), ...problems },
});
const backChannel = createRoute({
  ...{ method: 'post', path: '/sso/backchannel-logout/{place}', summary: 'An identity provider ends sessions of somebody', tags },
  request: {
    params: place,
    body: {
      required: true,
      content: { 'application/x-www-form-urlencoded': { schema: z.object({ logout_token: z.string().min(1).max(8000) }) } },
    },
  },
  responses: { 200: noContent, ...problems },
});

const browser = (c: HonoContext<HonoEnv>) => browserOf(c.req.header('Cookie'));
function begun(c: HonoContext<HonoEnv>, { url, browser: secret }: Begun) {
  setBrowserCookie(c, secret);
  return { url };
}

export const ssoRoutes = routes()
  .openapi(start, async (c) =>
    c.json(begun(c, await beginSignIn(c.get('services'), c.get('request'), c.req.valid('json'), browser(c))), 200),
  )
  .openapi(end, async (c) => {
    const [services, request] = [c.get('services'), c.get('request')];
    const whoAsks = () => authenticate(services, request, c.req.header('Cookie'));
    const { answer, credential } = await finish(services, request, c.req.valid('json'), browser(c), whoAsks);
    if (credential !== null) {
      // Who signs in anew takes nothing over from a session that was there.
      const before = answer.purpose === 'sign-in' ? await whoAsks().catch(() => null) : null;
      if (before) await signOut(before);
      setSessionCookie(c, credential);
    }
    return c.json(answer, 200);
  })
  .openapi(confirmStart, async (c) => c.json(begun(c, await beginStepUp(c.get('signedIn'), c.req.valid('json'), browser(c))), 200))
  .openapi(testStart, async (c) => c.json(begun(c, await beginTest(c.get('signedIn'), c.req.valid('param').id, browser(c))), 200))
  .openapi(logout, async (c) => {
    const url = await signOutEverywhereToo(c.get('signedIn'));
    clearSessionCookie(c);
    return c.json({ url }, 200);
  })
  .openapi(jwks, async (c) => c.json(await clientKeys(c.get('services'), placed(c.get('services'), c.req.valid('param').place)), 200))
  .openapi(backChannel, async (c) => {
    const services = c.get('services');
    await endByProvider(services, c.get('request'), placed(services, c.req.valid('param').place), c.req.valid('form').logout_token);
    return c.body(null, 200);
  });
