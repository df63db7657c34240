import { createRoute, z } from '@hono/zod-openapi';
import * as api from '@gatehouse/core/api/sso.ts';
import { body, json, noContent, problems, routes } from '../platform/route.ts';
import * as domains from './domains.ts';
import { realmOf } from './realm.ts';
import { changeRequirement, readRequirement } from './requirement.ts';

const params = z.object({ domain: api.mailDomain });
const tags = ['Identity providers'];
const all = '/identity-providers/domains';
const one = `${all}/{domain}`;

const list = createRoute({
  ...{ method: 'get', path: all, summary: 'Mail domains of the organisation', tags },
  responses: { 200: json(api.domainList), ...problems },
});
const add = createRoute({
  ...{ method: 'post', path: all, summary: 'Claim a mail domain; the answer says by which DNS record to prove it', tags },
  request: body(api.domainAdd),
  responses: { 201: json(api.domain), ...problems },
});
const update = createRoute({
  ...{ method: 'patch', path: one, summary: 'Choose whose sign-in people of a mail domain are offered', tags },
  request: { params, ...body(api.domainUpdate) },
  responses: { 200: json(api.domain), ...problems },
});
const verify = createRoute({
  ...{ method: 'post', path: `${one}/verify`, summary: 'Look for the DNS record that proves a mail domain', tags },
  request: { params },
  responses: { 200: json(api.domainChecked), ...problems },
});
const remove = createRoute({
  ...{ method: 'delete', path: one, summary: 'Give up a mail domain', tags },
  request: { params },
  responses: { 204: noContent, ...problems },
});
const realm = createRoute({
  ...{ method: 'post', path: '/login/realm', tags: ['Single sign-on'] },
  summary: 'By which ways an organisation signs in, by its short name or a mail domain',
  request: body(api.realmAsk),
  responses: { 200: json(api.realm), ...problems },
});
const requirement = '/identity-providers/requirement';
const readRequired = createRoute({
  ...{ method: 'get', path: requirement, summary: 'Whether everybody must come in through a provider, and who need not', tags },
  responses: { 200: json(api.requirement), ...problems },
});
const setRequired = createRoute({
  ...{ method: 'post', path: requirement, summary: 'Require single sign-on, and choose who comes in without', tags },
  request: body(api.requirementSet),
  responses: { 200: json(api.requirement), ...problems },
});

export const domainRoutes = routes()
  .openapi(list, async (c) => c.json(await domains.listDomains(c.get('signedIn')), 200))
  .openapi(add, async (c) => c.json(await domains.addDomain(c.get('signedIn'), c.req.valid('json')), 201))
  .openapi(update, async (c) => {
    const { domain } = c.req.valid('param');
    return c.json(await domains.changeDomain(c.get('signedIn'), domain, c.req.valid('json')), 200);
  })
  .openapi(verify, async (c) => c.json(await domains.verifyDomain(c.get('signedIn'), c.req.valid('param').domain), 200))
  .openapi(remove, async (c) => {
    await domains.removeDomain(c.get('signedIn'), c.req.valid('param').domain);
    return c.body(null, 204);
  })
  .openapi(realm, async (c) => c.json(await realmOf(c.get('services'), c.get('request'), c.req.valid('json')), 200))
  .openapi(readRequired, async (c) => c.json(await readRequirement(c.get('signedIn')), 200))
  .openapi(setRequired, async (c) => c.json(await changeRequirement(c.get('signedIn'), c.req.valid('json')), 200));
