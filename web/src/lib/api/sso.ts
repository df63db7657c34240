import * as shapes from '@gatehouse/core/api/sso.ts';
import type { z } from 'zod';
import { read, readVersioned } from './answer.ts';
import { abortable, api, at, type Call } from './client.ts';
import { proofOf } from './proof.ts';

export type { Connection, Discovery, Domain, DryRun, Realm, Requirement, SsoFinished } from '@gatehouse/core/api/sso.ts';

const providers = api['identity-providers'];
const oidc = providers[':id'].oidc;
const ifMatch = (etag: string) => ({ header: { 'if-match': etag } });
const named = (domain: string) => ({ param: { domain: encodeURIComponent(domain) } });

/** By which ways an organisation signs in. */
export const realm = (json: z.input<typeof shapes.realmAsk>, call: Call = {}) =>
  read(api.login.realm.$post({ json }, abortable(call)), shapes.realm);
/** The provider's address to go to. */
export const start = async (json: z.input<typeof shapes.ssoStart>): Promise<string> =>
  (await read(api.login.sso.start.$post({ json }), shapes.ssoStarted)).url;
/** What the provider gave this browser. */
export const finish = async (json: z.input<typeof shapes.ssoFinish>) =>
  read(api.login.sso.$post({ json }, await proofOf('POST', '/login/sso')), shapes.ssoFinished);
export const confirm = async (returnTo: string): Promise<string> =>
  (await read(api.me['step-up'].sso.$post({ json: { returnTo } }), shapes.ssoStarted)).url;
/** Ends this session. @returns where to sign out at the provider, too */
export const signOut = async (): Promise<string | null> => (await read(api.logout.sso.$post(), shapes.ssoSignedOut)).url;

export const get = (id: string, call: Call = {}) => readVersioned(oidc.$get(at(id), abortable(call)), shapes.connection);
export const set = (id: string, json: z.input<typeof shapes.oidcSet>, etag: string) =>
  readVersioned(oidc.$put({ ...at(id), ...ifMatch(etag), json }), shapes.connection);
export const turn = (id: string, state: 'on' | 'off', etag: string) =>
  readVersioned(oidc.state.$post({ ...at(id), ...ifMatch(etag), json: { state } }), shapes.connection);
export const discover = (id: string) => read(oidc.discover.$post(at(id)), shapes.discovery);
export const test = async (id: string): Promise<string> => (await read(oidc.test.$post(at(id)), shapes.ssoStarted)).url;
export async function remove(id: string, etag: string): Promise<void> {
  await oidc.$delete({ ...at(id), ...ifMatch(etag) });
}

export const domains = (call: Call = {}) => read(providers.domains.$get({}, abortable(call)), shapes.domainList);
export const addDomain = (json: z.input<typeof shapes.domainAdd>) => read(providers.domains.$post({ json }), shapes.domain);
const one = providers.domains[':domain'];
export const assignDomain = (domain: string, provider: string | null) =>
  read(one.$patch({ ...named(domain), json: { provider } }), shapes.domain);
export const verifyDomain = (domain: string) => read(one.verify.$post(named(domain)), shapes.domainChecked);
export async function removeDomain(domain: string): Promise<void> {
  await one.$delete(named(domain));
}

export const requirement = (call: Call = {}) => read(providers.requirement.$get({}, abortable(call)), shapes.requirement);
export const require = (json: z.input<typeof shapes.requirementSet>) => read(providers.requirement.$post({ json }), shapes.requirement);
