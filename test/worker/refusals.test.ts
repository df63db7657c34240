import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, test } from 'vitest';
import type { BuiltInRole } from '@gatehouse/core/access/permissions.ts';
import { accessRequest } from '@gatehouse/core/api/access.ts';
import { invitationCreated } from '@gatehouse/core/api/directory.ts';
import { groupDetail } from '@gatehouse/core/api/groups.ts';
import { assignment, role } from '@gatehouse/core/api/roles.ts';
import { enrollmentCreated } from '@gatehouse/core/api/runners.ts';
import { serviceAccount } from '@gatehouse/core/api/service-accounts.ts';
import { templateDetail } from '@gatehouse/core/api/templates.ts';
import { app } from '../../worker/app.ts';
import { OPEN_ROUTES } from '../../worker/gate.ts';
import { secretAddress } from '../../worker/audit/destinations.store.ts';
import { statement } from '../../worker/platform/tenant-db.ts';
import { Chance } from '../support/chance.ts';
import { makeFinding } from '../support/findings.ts';
import { insertRecording } from '../support/recordings.ts';
import { attempt, attemptsOn, comparable, idsOf, nobodysIds, shuffled, stateOf, type Ids } from '../support/isolation.ts';
import { callRoute, crewOf, expectProblem, isChange, refusedRoles, ROLES, withEachText, type RouteCase } from '../support/refusals.ts';
import { BROWSER_KEY } from '../support/browser-key.ts';
import { makeProvider } from '../support/providers.ts';
import { newMapping } from '../support/route-calls/providers.ts';
import { makeUnreachable, NO_PLACE, OIDC_SET_UP } from '../support/route-calls/sso.ts';
import { ROUTE_CALLS } from '../support/route-calls.ts';
import { makeDraft } from '../support/template-versions.ts';
import { insertRunner, insertTrashed, insertWorkspace } from '../support/workspaces.ts';
import {
  addSession,
  addToken,
  addUser,
  api,
  call,
  eventOfAnswer,
  mintTenant,
  read,
  services,
  unique,
  type Person,
  type Tenant,
} from '../support/tenants.ts';

const operator = { Authorization: `Bearer ${env.OPERATOR_TOKEN}` };
const token = `ghi_s0.tnt_01m856tm29e6frrs5mmr9m5rhs.${'a'.repeat(43)}`;
const password = 'correct horse battery';
const makeInvitation = async (tenant: Tenant) =>
  read(await api(tenant.owner).post('/invitations', { email: `${unique()}@joins.test` }), invitationCreated).id;
const makeSession = async (tenant: Tenant) => (await addSession(tenant, tenant.owner.id)).sessionId;
const makeTheirSession = async (tenant: Tenant) => (await addUser(tenant)).sessionId;

/** As if registered. */
const makePasskey = async (tenant: Tenant, userId = tenant.owner.id) => {
  const id = services().newId('passkey');
  await tenant.db.batch([
    statement(
      `INSERT INTO passkeys (tenant_id, id, user_id, credential_id, public_key, counter, transports, synced, backed_up, name, created_at)
       VALUES (?, ?, ?, ?, 'AA', 0, '[]', 0, 0, 'Laptop', ?)`,
      ...[tenant.id, id, userId, unique(), new Date().toISOString()],
    ),
  ]);
  return id;
};
const gitCredential = { host: 'git.example', username: 'dev', secret: 'not-a-real-token' };
const makeGitCredential = async (tenant: Tenant) => {
  const id = services().newId('gitCredential');
  await tenant.db.batch([
    statement(
      `INSERT INTO git_credentials (tenant_id, id, user_id, host, username, secret, created_at) VALUES (?, ?, ?, ?, 'dev', 'sealed', ?)`,
      ...[tenant.id, id, tenant.owner.id, `${unique()}.example`, new Date().toISOString()],
    ),
  ]);
  return id;
};
const makePersonWithPasskey = async (tenant: Tenant) => {
  const { id } = await addUser(tenant);
  await makePasskey(tenant, id);
  return id;
};
const credential = { id: 'AAAA', rawId: 'AAAA', type: 'public-key', clientExtensionResults: {} };
const registration = { ...credential, response: { clientDataJSON: 'AAAA', attestationObject: 'AAAA', transports: ['internal'] } };
const assertion = { ...credential, response: { clientDataJSON: 'AAAA', authenticatorData: 'AAAA', signature: 'AAAA', userHandle: 'AAAA' } };

const makeTemplate = async (tenant: Tenant) =>
  read(await api(tenant.owner).post('/templates', { name: `x-${unique()}` }), templateDetail).id;
/** Paused, so that nothing is sent anywhere. */
const makeDestination = async (tenant: Tenant) => {
  const id = services().newId('destination');
  const secret = await services().secrets.seal(tenant.db, secretAddress(id), `whsec_${'a'.repeat(32)}`);
  const config = JSON.stringify({ type: 'webhook', url: 'https://siem.test/in' });
  await tenant.db.batch([
    statement(
      "INSERT INTO siem_destinations (tenant_id, id, name, config, secret, state, created_at) VALUES (?, ?, ?, ?, ?, 'paused', ?)",
      ...[tenant.id, id, `SIEM ${unique()}`, config, secret, new Date().toISOString()],
    ),
  ]);
  return id;
};
const makeUser = async (tenant: Tenant) => (await addUser(tenant)).id;
const makeDeleted = async (tenant: Tenant) => {
  const id = await makeUser(tenant);
  await api(tenant.owner).delete(`/users/${id}`);
  return id;
};
const makeToken = async (tenant: Tenant) => (await addToken(tenant, tenant.owner)).id;
const makeAccount = async (tenant: Tenant) =>
  read(await api(tenant.owner).post('/service-accounts', { name: `robot ${unique()}` }), serviceAccount).id;
const userAdmins: BuiltInRole[] = ['owner', 'user-admin'];
const overUsers = { who: userAdmins, id: 'user', make: makeUser } as const;
const seeUsers = { ...overUsers, who: ['owner', 'user-admin', 'template-admin', 'auditor'] } as const;
const overAccounts = { who: userAdmins, id: 'serviceAccount', make: makeAccount } as const;
const newToken = { name: 'ci', scopes: ['audit:read'], networks: ['192.0.2.0/24'] };
const destination = { name: 'SIEM', config: { type: 'webhook', url: 'https://siem.test/in' } };
const templateAdmins: BuiltInRole[] = ['owner', 'template-admin'];
const overTemplates = { who: templateAdmins, id: 'template', make: makeTemplate, blind: ROLES } as const;
const overDrafts = { ...overTemplates, id: 'templateVersion', make: async (tenant: Tenant) => (await makeDraft(tenant)).id } as const;
const groupAdmins: BuiltInRole[] = ['owner', 'user-admin'];
const groupReaders: BuiltInRole[] = ['owner', 'user-admin', 'template-admin', 'auditor'];
const roleReaders: BuiltInRole[] = ['owner', 'user-admin', 'auditor'];
const makeGroup = async (tenant: Tenant) => read(await api(tenant.owner).post('/groups', { name: `Group ${unique()}` }), groupDetail).id;
const makeRole = async (tenant: Tenant) =>
  read(await api(tenant.owner).post('/roles', { name: `Role ${unique()}`, permissions: ['audit:read'] }), role).id;
const makeAssignment = async (tenant: Tenant) => {
  const subject = { type: 'group', id: await makeGroup(tenant) };
  return read(await api(tenant.owner).post('/role-assignments', { role: 'user-admin', subject }), assignment).id;
};
const overGroups = { who: groupAdmins, id: 'group', make: makeGroup } as const;
const overRoles = { who: ['owner'], id: 'role', make: makeRole } as const;
const overAssignments = { who: groupAdmins, id: 'roleAssignment', make: makeAssignment } as const;
const nobody = 'usr_01m856tm29e6frrs5mmr9m5rhs';
const ifMatch = { 'If-Match': '"1"' };
/** Somebody of the organisation asked for it: not one of the crew. */
const makeRequest = async (tenant: Tenant) => {
  const templateId = await makeTemplate(tenant);
  const items = [{ subject: { type: 'everyone' }, role: 'view', expiresAt: null }];
  await api(tenant.owner).put(`/templates/${templateId}/acl`, { items }, { 'If-Match': '"1"' });
  const answer = await api(await addUser(tenant)).post('/access-requests', { templateId, hours: 8, reason: 'On call' });
  return read(answer, accessRequest).id;
};
const overRequests = {
  browser: true,
  who: templateAdmins,
  id: 'accessRequest',
  make: makeRequest,
  blind: ['auditor', 'user-admin', 'member'],
} as const;
const idpReaders: BuiltInRole[] = ['owner', 'user-admin', 'auditor'];
const noScimToken = services().newId('scimToken');
const overProviders = { who: ['owner'], id: 'identityProvider', make: makeProvider } as const;
const overConnections = { ...overProviders, make: makeUnreachable } as const;
const overDomains: RouteCase = { who: ['owner'], rest: { domain: 'none.example' } };
const noMapping = 'gmp_01m856tm29e6frrs5mmr9m5rhs';
const reviewers: BuiltInRole[] = ['owner', 'user-admin', 'template-admin', 'auditor'];
const makeEnrollment = async (tenant: Tenant) => read(await api(tenant.owner).post('/runner-enrollments', {}), enrollmentCreated).id;
const overRunners = { who: templateAdmins, id: 'runner', make: insertRunner } as const;
const overRecordings: RouteCase = { who: ['owner', 'auditor'], id: 'recording', make: insertRecording };
const noSnapshot = 'snp_01m856tm29e6frrs5mmr9m5rhs';
/** The organisation's owner made it, and nobody of the crew: who may, may because of a role. */
const overWorkspaces: RouteCase = {
  who: ['owner', 'template-admin', 'auditor'],
  id: 'workspace',
  make: insertWorkspace,
  blind: ['user-admin', 'member'],
};
const overTrash: RouteCase = { ...overWorkspaces, make: insertTrashed };
const enrolment = {
  code: `ghe_s0.tnt_01m856tm29e6frrs5mmr9m5rhs.${'a'.repeat(43)}`,
  name: 'runner',
  identityKey: 'a'.repeat(43),
  agreementKey: 'b'.repeat(43),
  version: '0.1.0',
  platform: 'linux-x64',
};
const quota = { workspaces: 5, running: null };
const keysOf = (letter: string) => ({ identityKey: letter.repeat(43), agreementKey: letter.repeat(43) });
const rotation = { old: keysOf('a'), next: keysOf('b'), oldSignature: 'a'.repeat(86), newSignature: 'b'.repeat(86) };
const overDestinations = { who: ['owner'], id: 'destination', make: makeDestination } as const;

/** Every route of the API; one that is missing here, or here and nowhere else, fails the suite. */
const ROUTES: Record<string, RouteCase> = {
  'GET /api/v1/health': { who: 'open' },
  'GET /api/v1/openapi.json': { who: 'open' },
  'GET /api/v1/deployment/security': { who: 'signed in', anyToken: true },
  'GET /api/v1/local/mails': { who: 'open' },
  'GET /api/v1/overview': { who: 'signed in', anyToken: true },

  'POST /api/v1/signup': {
    who: 'open',
    body: { tenant: { name: 'New', slug: 'refused-slug' }, user: { name: 'Olga', email: 'olga@refused.test', password } },
  },
  'POST /api/v1/login': { who: 'open', body: { tenant: 'refused-slug', email: 'olga@refused.test', password } },
  'POST /api/v1/logout': { who: 'signed in', browser: true },
  'POST /api/v1/login/totp': { who: 'open', body: { challenge: token.replace('ghi_', 'ghf_'), code: '123456' } },
  'POST /api/v1/login/recovery-code': {
    who: 'open',
    body: { challenge: token.replace('ghi_', 'ghf_'), code: '0000-1111-2222-3333-4444-5555' },
  },
  'POST /api/v1/login/passkey/options': { who: 'open' },
  'POST /api/v1/login/passkey': { who: 'open', body: { credential: assertion } },
  'POST /api/v1/password-resets': { who: 'open', body: { tenant: 'refused-slug', email: 'olga@refused.test' } },
  'POST /api/v1/password-resets/redeem': { who: 'open', body: { token: token.replace('ghi_', 'ghw_'), password } },
  'POST /api/v1/verify-email': { who: 'open', body: { token: token.replace('ghi_', 'ghv_') } },
  'POST /api/v1/invitations/preview': { who: 'open', body: { token } },
  'POST /api/v1/invitations/accept': { who: 'open', body: { token, name: 'Nina', password } },

  'GET /api/v1/me': { who: 'signed in', browser: true },
  'POST /api/v1/me/verification': { who: 'signed in', browser: true },
  'GET /api/v1/me/sessions': { who: 'signed in', browser: true },
  'POST /api/v1/me/session/key': { who: 'signed in', browser: true, proved: true },
  'DELETE /api/v1/me/sessions': { who: 'signed in', browser: true },
  'DELETE /api/v1/me/sessions/:id': { who: 'signed in', browser: true, id: 'session', make: makeSession },

  'GET /api/v1/token': { who: 'signed in', anyToken: true },
  'GET /api/v1/me/tokens': { who: 'signed in', browser: true },
  'POST /api/v1/me/tokens': { who: 'signed in', browser: true, body: newToken },
  'GET /api/v1/tokens': { who: ['owner', 'user-admin', 'auditor'] },
  'POST /api/v1/tokens/revoke': { who: userAdmins, body: { ids: ['tok_01m856tm29e6frrs5mmr9m5rhs'] } },
  'DELETE /api/v1/tokens/:id': { who: userAdmins, id: 'token', make: makeToken },

  'GET /api/v1/identity-providers': { who: idpReaders },
  'POST /api/v1/identity-providers': { who: ['owner'], body: { name: 'Okta', preset: 'okta' } },
  'GET /api/v1/identity-providers/:id': { ...overProviders, who: idpReaders },
  'PATCH /api/v1/identity-providers/:id': { ...overProviders, headers: ifMatch, body: { name: 'Other' } },
  'DELETE /api/v1/identity-providers/:id': overProviders,
  'GET /api/v1/identity-providers/:id/oidc': { ...overProviders, who: idpReaders },
  'PUT /api/v1/identity-providers/:id/oidc': { ...overProviders, headers: ifMatch, body: OIDC_SET_UP },
  'DELETE /api/v1/identity-providers/:id/oidc': { ...overProviders, headers: ifMatch },
  'POST /api/v1/identity-providers/:id/oidc/state': { ...overConnections, headers: { 'If-Match': '"2"' }, body: { state: 'off' } },
  'POST /api/v1/identity-providers/:id/oidc/discover': overConnections,
  'POST /api/v1/identity-providers/:id/oidc/test': { ...overConnections, browser: true },
  'GET /api/v1/identity-providers/domains': { who: idpReaders },
  'POST /api/v1/identity-providers/domains': { who: ['owner'], body: { domain: 'refused.example' } },
  'PATCH /api/v1/identity-providers/domains/:domain': { ...overDomains, body: { provider: null } },
  'POST /api/v1/identity-providers/domains/:domain/verify': overDomains,
  'DELETE /api/v1/identity-providers/domains/:domain': overDomains,
  'GET /api/v1/identity-providers/requirement': { who: idpReaders },
  'POST /api/v1/identity-providers/requirement': { who: ['owner'], browser: true, body: { required: false, people: [] } },
  'POST /api/v1/login/realm': { who: 'open', body: { tenant: 'refused-slug' } },
  'POST /api/v1/login/sso/start': { who: 'open', body: { tenant: 'refused-slug' } },
  'POST /api/v1/login/sso': { who: 'open', body: { state: token.replace('ghi_', 'ghl_'), code: 'x' } },
  'POST /api/v1/me/step-up/sso': { who: 'signed in', browser: true, body: {} },
  'POST /api/v1/logout/sso': { who: 'signed in', browser: true },
  'GET /api/v1/sso/clients/:place/jwks': { who: 'open', rest: { place: NO_PLACE } },
  // It takes a form, whose refusals are its own (sso/logout.test.ts).
  'POST /api/v1/sso/backchannel-logout/:place': { who: 'open', rest: { place: NO_PLACE } },
  'GET /api/v1/identity-providers/:id/scim-tokens': { ...overProviders, who: idpReaders },
  'POST /api/v1/identity-providers/:id/scim-tokens': { ...overProviders, body: { expiresInDays: 90 }, browser: true },
  'DELETE /api/v1/identity-providers/:id/scim-tokens/:tokenId': { ...overProviders, rest: { tokenId: noScimToken } },
  'GET /api/v1/identity-providers/:id/provisioning': { ...overProviders, who: idpReaders },
  'GET /api/v1/identity-providers/:id/groups': { ...overProviders, who: idpReaders },
  'GET /api/v1/identity-providers/:id/mappings': { ...overProviders, who: idpReaders },
  'GET /api/v1/identity-providers/:id/removal': { ...overProviders, who: idpReaders },
  'POST /api/v1/identity-providers/:id/mappings': { ...overProviders, body: newMapping },
  'POST /api/v1/identity-providers/:id/mappings/preview': { ...overProviders, who: idpReaders, body: newMapping },
  'POST /api/v1/identity-providers/:id/mappings/:mapping/groups': {
    ...overProviders,
    rest: { mapping: noMapping },
    body: { group: 'grp_01m856tm29e6frrs5mmr9m5rhs' },
  },
  'DELETE /api/v1/identity-providers/:id/mappings/:mapping': { ...overProviders, rest: { mapping: noMapping } },
  'GET /api/v1/identity-providers/:id/drift': { ...overProviders, who: idpReaders },
  'POST /api/v1/identity-providers/:id/sync': overProviders,
  'GET /api/v1/service-accounts': { who: ['owner', 'user-admin', 'auditor'] },
  'POST /api/v1/service-accounts': { who: userAdmins, body: { name: 'robot', description: 'Pulls the log', roles: [] } },
  'GET /api/v1/service-accounts/:id': { ...overAccounts, who: ['owner', 'user-admin', 'auditor'] },
  'PATCH /api/v1/service-accounts/:id': { ...overAccounts, body: { description: 'Other' } },
  'DELETE /api/v1/service-accounts/:id': overAccounts,
  'POST /api/v1/service-accounts/:id/suspend': overAccounts,
  'POST /api/v1/service-accounts/:id/activate': overAccounts,
  'POST /api/v1/service-accounts/:id/tokens': { ...overAccounts, browser: true, body: newToken },

  'GET /api/v1/me/factors': { who: 'signed in', browser: true },
  'POST /api/v1/me/password': { who: 'signed in', browser: true, body: { current: password, password: 'another long password' } },
  'POST /api/v1/me/step-up/password': { who: 'signed in', browser: true, body: { password: 'a wrong password' } },
  'POST /api/v1/me/step-up/passkey/options': { who: 'signed in', browser: true },
  'POST /api/v1/me/step-up/passkey': { who: 'signed in', browser: true, body: { credential: assertion } },
  'POST /api/v1/me/passkeys/options': { who: 'signed in', browser: true },
  'POST /api/v1/me/passkeys': { who: 'signed in', browser: true, body: { name: 'Laptop', credential: registration } },
  'PATCH /api/v1/me/passkeys/:id': { who: 'signed in', browser: true, id: 'passkey', make: makePasskey, body: { name: 'Phone' } },
  'DELETE /api/v1/me/passkeys/:id': { who: 'signed in', browser: true, id: 'passkey', make: makePasskey },
  'GET /api/v1/me/ide-settings': { who: 'signed in', browser: true },
  'PUT /api/v1/me/ide-settings': { who: 'signed in', browser: true, headers: { 'If-Match': '"0"' }, body: { keymap: 'vim' } },
  'POST /api/v1/me/blocked-acts': {
    who: 'signed in',
    browser: true,
    body: { connectionId: 'con_01m856tm29e6frrs5mmr9m5rhs', acts: [{ act: 'copy', count: 1, bytes: 4 }] },
  },
  'GET /api/v1/me/git-credentials': { who: 'signed in', browser: true },
  'POST /api/v1/me/git-credentials': { who: 'signed in', browser: true, body: gitCredential },
  'DELETE /api/v1/me/git-credentials/:id': { who: 'signed in', browser: true, id: 'gitCredential', make: makeGitCredential },
  'POST /api/v1/me/totp': { who: 'signed in', browser: true },
  'POST /api/v1/me/totp/confirm': { who: 'signed in', browser: true, body: { code: '123456' } },
  'DELETE /api/v1/me/totp': { who: 'signed in', browser: true },
  'POST /api/v1/me/recovery-codes': { who: 'signed in', browser: true },

  'GET /api/v1/tenant': { who: 'signed in' },
  'GET /api/v1/tenant/policy': { who: 'signed in' },
  'PUT /api/v1/tenant/policy': { who: ['owner'], headers: { 'If-Match': '"0"' }, body: { values: {} } },
  'PATCH /api/v1/tenant': { who: ['owner'], body: { name: 'Renamed' } },
  'GET /api/v1/users': { who: ['owner', 'user-admin', 'template-admin', 'auditor'] },
  'POST /api/v1/users/bulk': { who: userAdmins, body: { action: 'suspend', ids: ['usr_01m856tm29e6frrs5mmr9m5rhs'] } },
  'GET /api/v1/users/:id': seeUsers,
  'PATCH /api/v1/users/:id': { ...overUsers, body: { name: 'Renamed' } },
  'DELETE /api/v1/users/:id': overUsers,
  'GET /api/v1/users/:id/sessions': seeUsers,
  'GET /api/v1/users/:id/erasure': seeUsers,
  'POST /api/v1/users/:id/erasure': { who: ['owner'], browser: true, id: 'user', make: makeDeleted, body: { reason: 'asked' } },
  'DELETE /api/v1/user-sessions/:id': { who: userAdmins, id: 'session', make: makeTheirSession },
  'POST /api/v1/users/:id/suspend': overUsers,
  'POST /api/v1/users/:id/activate': overUsers,
  'POST /api/v1/users/:id/sign-out': overUsers,
  'DELETE /api/v1/users/:id/factors': { who: userAdmins, browser: true, id: 'user', make: makePersonWithPasskey },
  'GET /api/v1/invitations': { who: ['owner', 'user-admin', 'template-admin', 'auditor'] },
  'POST /api/v1/invitations': { who: ['owner', 'user-admin'], body: { email: 'new@refused.test', roles: ['user-admin'] } },
  'DELETE /api/v1/invitations/:id': { who: ['owner', 'user-admin'], id: 'invitation', make: makeInvitation },

  'GET /api/v1/quotas': { who: templateAdmins },
  'GET /api/v1/me/quota': { who: 'signed in' },
  'POST /api/v1/quotas/preview': { who: templateAdmins, body: { subject: { type: 'tenant' }, values: quota } },
  'GET /api/v1/tenant/quota': { who: 'signed in' },
  'PUT /api/v1/tenant/quota': { who: templateAdmins, headers: { 'If-Match': '"0"' }, body: quota },
  'GET /api/v1/groups/:id/quota': { ...overGroups, who: groupReaders },
  'PUT /api/v1/groups/:id/quota': { ...overGroups, who: templateAdmins, headers: { 'If-Match': '"0"' }, body: quota },
  'GET /api/v1/users/:id/quota': seeUsers,
  'PUT /api/v1/users/:id/quota': { ...overUsers, who: templateAdmins, headers: { 'If-Match': '"0"' }, body: quota },

  'GET /api/v1/groups': { who: 'signed in' },
  'POST /api/v1/groups': { who: groupAdmins, body: { name: 'Refused' } },
  'GET /api/v1/groups/:id': { ...overGroups, who: groupReaders },
  'PATCH /api/v1/groups/:id': { ...overGroups, headers: ifMatch, body: { description: 'Other' } },
  'DELETE /api/v1/groups/:id': overGroups,
  'GET /api/v1/groups/:id/members': { ...overGroups, who: groupReaders },
  'PATCH /api/v1/groups/:id/members': { ...overGroups, body: { add: [], remove: [] } },
  'GET /api/v1/groups/:id/candidates': { ...overGroups, query: '?q=a' },
  'PUT /api/v1/groups/:id/managers': { ...overGroups, headers: ifMatch, body: { items: [] } },
  'GET /api/v1/group-memberships': { who: groupReaders, query: `?subject=${nobody}` },
  'GET /api/v1/roles': { who: roleReaders },
  'POST /api/v1/roles': { who: ['owner'], body: { name: 'Refused', permissions: ['audit:read'] } },
  'GET /api/v1/roles/:id': { ...overRoles, who: roleReaders },
  'PATCH /api/v1/roles/:id': { ...overRoles, headers: ifMatch, body: { description: 'Other' } },
  'DELETE /api/v1/roles/:id': overRoles,
  'GET /api/v1/role-assignments': { who: roleReaders },
  'POST /api/v1/role-assignments': { who: groupAdmins, body: { role: 'user-admin', subject: { type: 'user', id: nobody } } },
  'PATCH /api/v1/role-assignments/:id': { ...overAssignments, body: { expiresAt: null } },
  'DELETE /api/v1/role-assignments/:id': overAssignments,

  'GET /api/v1/audit/events': { who: ['owner', 'auditor'] },
  'GET /api/v1/audit/export': { who: ['owner', 'auditor'] },
  'GET /api/v1/audit/stream': { who: ['owner', 'auditor'] },
  'GET /api/v1/audit/histogram': { who: ['owner', 'auditor'], query: '?since=2026-01-01T00:00:00Z&until=2026-01-02T00:00:00Z' },
  'GET /api/v1/audit/status': { who: ['owner', 'auditor'] },
  'GET /api/v1/audit/checkpoint': { who: ['owner', 'auditor'] },
  'GET /api/v1/audit/proof': { who: ['owner', 'auditor'], query: '?seq=1' },
  'GET /api/v1/audit/consistency': { who: ['owner', 'auditor'], query: '?first=1' },
  'GET /api/v1/audit/keys': { who: ['owner', 'auditor'] },
  'GET /api/v1/detections/rules': { who: ['owner', 'auditor'] },
  'GET /api/v1/detections/findings': { who: ['owner', 'auditor'] },
  'GET /api/v1/detections/findings/:id': { who: ['owner', 'auditor'], id: 'finding', make: makeFinding },
  'POST /api/v1/detections/findings/:id/move': { who: ['owner'], id: 'finding', make: makeFinding, body: { from: 'open', to: 'resolved' } },
  'GET /api/v1/siem-destinations': { who: ['owner', 'auditor'] },
  'POST /api/v1/siem-destinations': { who: ['owner'], body: destination },
  'GET /api/v1/siem-destinations/:id': { ...overDestinations, who: ['owner', 'auditor'] },
  'PATCH /api/v1/siem-destinations/:id': { ...overDestinations, body: { name: 'Other' } },
  'DELETE /api/v1/siem-destinations/:id': overDestinations,
  'POST /api/v1/siem-destinations/:id/pause': overDestinations,
  'POST /api/v1/siem-destinations/:id/resume': overDestinations,
  'POST /api/v1/siem-destinations/:id/test': overDestinations,
  'POST /api/v1/siem-destinations/:id/rotate-secret': overDestinations,
  'POST /api/v1/siem-destinations/:id/replay': { ...overDestinations, body: { from: 1 } },
  'POST /api/v1/siem-destinations/:id/replay/cancel': overDestinations,
  'GET /api/v1/siem-destinations/:id/health': { ...overDestinations, who: ['owner', 'auditor'] },
  'GET /api/v1/siem-destinations/:id/set-aside': { ...overDestinations, who: ['owner', 'auditor'] },
  'POST /api/v1/siem-destinations/:id/set-aside/retry': { ...overDestinations, body: { seqs: [1] } },
  'POST /api/v1/siem-destinations/:id/set-aside/dismiss': { ...overDestinations, body: { seqs: [1] } },
  'GET /api/v1/siem-summary': { who: ['owner', 'auditor'] },

  'GET /api/v1/templates': { who: 'signed in' },
  'POST /api/v1/templates': { who: templateAdmins, body: { name: 'refused' } },
  'GET /api/v1/templates/:id': overTemplates,
  'PATCH /api/v1/templates/:id': { ...overTemplates, headers: { 'If-Match': '"1"' }, body: { description: 'Other' } },
  'DELETE /api/v1/templates/:id': overTemplates,
  'GET /api/v1/templates/:id/versions': overTemplates,
  'POST /api/v1/templates/:id/versions': { ...overTemplates, body: { spec: { startupScript: 'true' } } },
  'POST /api/v1/templates/import': { who: templateAdmins, body: { file: 'gatehouse: template/1\nname: refused-file\n' } },
  'GET /api/v1/templates/:id/export': overTemplates,
  'POST /api/v1/templates/:id/dry-run': { ...overTemplates, body: {} },
  'GET /api/v1/templates/:id/secrets': overTemplates,
  'PATCH /api/v1/templates/:id/secrets': { ...overTemplates, body: { items: [{ name: 'KEY', secret: 'of a refusal' }] } },
  'GET /api/v1/templates/:id/diff': { ...overTemplates, query: '?from=1&to=1' },
  'GET /api/v1/templates/:id/workspaces': overTemplates,
  'PATCH /api/v1/template-versions/:id': { ...overDrafts, headers: { 'If-Match': '"1"' }, body: { notes: 'Other' } },
  'DELETE /api/v1/template-versions/:id': overDrafts,
  'POST /api/v1/template-versions/:id/publish': overDrafts,
  'POST /api/v1/template-versions/:id/deprecate': overDrafts,
  'POST /api/v1/template-versions/:id/restore': overDrafts,
  'POST /api/v1/template-versions/:id/require': { ...overDrafts, body: { from: null } },
  'GET /api/v1/templates/:id/acl': overTemplates,
  'PUT /api/v1/templates/:id/acl': { ...overTemplates, headers: { 'If-Match': '"1"' }, body: { items: [] } },

  'GET /api/v1/templates/:id/access': { ...overTemplates, who: reviewers },
  'GET /api/v1/subjects': { who: reviewers },
  'GET /api/v1/access/review': { who: reviewers },
  'GET /api/v1/access/review.csv': { who: reviewers },
  'GET /api/v1/config/export': { who: reviewers },
  'POST /api/v1/access/preview': {
    who: ['owner', 'user-admin'],
    body: { kind: 'delete-group', groupId: 'grp_01m856tm29e6frrs5mmr9m5rhs' },
  },
  'GET /api/v1/access-requests': { browser: true, who: 'signed in' },
  'POST /api/v1/access-requests': {
    browser: true,
    who: 'signed in',
    body: { templateId: 'tpl_01m856tm29e6frrs5mmr9m5rhs', hours: 8, reason: 'On call' },
  },
  'GET /api/v1/access-requests/:id': overRequests,
  'POST /api/v1/access-requests/:id/decision': { ...overRequests, body: { decision: 'deny', note: 'Not now' } },
  'POST /api/v1/access-requests/:id/withdraw': { ...overRequests, who: [] },
  'GET /api/v1/notices': { browser: true, who: 'signed in' },
  'POST /api/v1/notices/seen': { browser: true, who: 'signed in' },
  'GET /api/v1/templates/:id/policy': overTemplates,
  'PUT /api/v1/templates/:id/policy': { ...overTemplates, headers: { 'If-Match': '"0"' }, body: { values: {} } },

  'GET /api/v1/runners': { who: ['owner', 'template-admin', 'auditor'] },
  'GET /api/v1/runners/:id/usage': { ...overRunners, who: ['owner', 'template-admin', 'auditor'] },
  'PATCH /api/v1/runners/:id': { ...overRunners, body: { capacity: 10 } },
  'POST /api/v1/runners/:id/drain': { ...overRunners, body: { until: null } },
  'DELETE /api/v1/runners/:id/drain': overRunners,
  'POST /api/v1/runners/:id/revoke': overRunners,
  'DELETE /api/v1/runners/:id': overRunners,
  'POST /api/v1/runners/:id/confirm': { ...overRunners, body: { fingerprint: 'SHA256:0000' } },
  'POST /api/v1/runner-enrollments': { who: templateAdmins, body: { name: 'runner' } },
  'GET /api/v1/runner-enrollments/:id': { who: templateAdmins, id: 'enrollment', make: makeEnrollment },
  'POST /api/v1/runner/keys': { who: 'open', body: rotation },
  'POST /api/v1/runner/enroll': { who: 'open', body: enrolment },
  'GET /api/v1/runner/control': { who: 'open' },
  'GET /api/v1/runner/workspaces/:id/link': { who: 'open', id: 'workspace' },
  'GET /api/v1/runner/workspaces/:id/apps': { who: 'open', id: 'workspace' },
  'GET /api/v1/runner/workspaces/:id/apps/:stream': { who: 'open', id: 'workspace', rest: { stream: '1' } },

  'PUT /api/v1/runner/recordings/:id': {
    who: 'open',
    id: 'recording',
    body: {
      workspaceId: 'wsp_01m856tm29e6frrs5mmr9m5rhs',
      terminalId: 'one',
      title: 'Terminal 1',
      keyId: 'rky_01m856tm29e6frrs5mmr9m5rhs',
      startedAt: '2026-01-01T00:00:00.000Z',
      end: null,
    },
  },
  'PUT /api/v1/runner/recordings/:id/slices/:n': { who: 'open', id: 'recording', body: { bytes: 'AAAA', hash: '0'.repeat(64) } },
  'GET /api/v1/recordings': { who: ['owner', 'auditor'] },
  'GET /api/v1/recordings/search': { who: ['owner', 'auditor'], query: '?q=git' },
  'GET /api/v1/recordings/:id': overRecordings,
  'POST /api/v1/recordings/:id/watch': { ...overRecordings, body: { purpose: 'watch' } },
  'GET /api/v1/recordings/:id/slices': { ...overRecordings, query: '?n=0' },
  'DELETE /api/v1/recordings/:id': { ...overRecordings, who: ['owner'], browser: true },
  'GET /api/v1/recording-settings': { who: ['owner', 'auditor'] },
  'PUT /api/v1/recording-settings': {
    who: ['owner'],
    browser: true,
    headers: { 'If-Match': '"0"' },
    body: { retentionDays: 30 },
  },

  'GET /api/v1/workspaces/:id/snapshots': overWorkspaces,
  'POST /api/v1/workspaces/:id/snapshots': { ...overWorkspaces, who: templateAdmins },
  'DELETE /api/v1/workspaces/:id/snapshots/:snapshot': { ...overWorkspaces, who: templateAdmins, rest: { snapshot: noSnapshot } },
  'POST /api/v1/workspaces/:id/restore-home': { ...overWorkspaces, who: [], body: { snapshotId: noSnapshot } },
  'POST /api/v1/workspaces/:id/move': { ...overWorkspaces, who: templateAdmins, body: { snapshotId: noSnapshot } },
  'GET /api/v1/snapshot-settings': { who: ['owner'] },
  'PUT /api/v1/snapshot-settings': {
    who: ['owner'],
    browser: true,
    headers: { 'If-Match': '"0"' },
    body: { store: 'off', everyHours: null, ignore: [] },
  },
  'POST /api/v1/snapshot-settings/test': { who: ['owner'] },
  'PUT /api/v1/runner/snapshots/:id': {
    who: 'open',
    id: 'snapshot',
    body: { workspaceId: 'wsp_01m856tm29e6frrs5mmr9m5rhs', cause: 'stop' },
  },
  'POST /api/v1/runner/snapshots/:id/claim': { who: 'open', id: 'snapshot', body: { chunks: [] } },
  'PUT /api/v1/runner/snapshots/:id/chunks/:chunk': { who: 'open', id: 'snapshot', rest: { chunk: 'a'.repeat(43) } },
  'PUT /api/v1/runner/snapshots/:id/manifest': { who: 'open', id: 'snapshot' },
  'POST /api/v1/runner/snapshots/:id/end': { who: 'open', id: 'snapshot', body: { outcome: 'failed', error: 'No room' } },
  'GET /api/v1/runner/snapshots/:id/manifest': { who: 'open', id: 'snapshot' },
  'GET /api/v1/runner/snapshots/:id/chunks/:chunk': { who: 'open', id: 'snapshot', rest: { chunk: 'a'.repeat(43) } },

  'GET /api/v1/workspaces': { who: 'signed in' },
  'POST /api/v1/workspaces': { who: 'signed in', body: { templateId: 'tpl_01m856tm29e6frrs5mmr9m5rhs', name: 'box' } },
  'GET /api/v1/workspaces/:id': overWorkspaces,
  'DELETE /api/v1/workspaces/:id': { ...overWorkspaces, who: templateAdmins },
  'POST /api/v1/workspaces/:id/transfer': { ...overWorkspaces, who: ['owner'], blind: [], body: { userId: nobody } },
  'PATCH /api/v1/workspaces/:id': { ...overWorkspaces, who: [], body: { name: 'other' } },
  'POST /api/v1/workspaces/:id/restart': { ...overWorkspaces, who: [] },
  'POST /api/v1/workspaces/:id/restore': { ...overTrash, who: templateAdmins, body: {} },
  'POST /api/v1/workspaces/:id/purge': { ...overTrash, who: templateAdmins },
  'POST /api/v1/workspaces/:id/start': { ...overWorkspaces, who: [] },
  'POST /api/v1/workspaces/:id/stop': { ...overWorkspaces, who: templateAdmins },
  'GET /api/v1/workspaces/:id/update': { ...overWorkspaces, who: templateAdmins },
  'POST /api/v1/workspaces/:id/update': { ...overWorkspaces, who: templateAdmins, body: {} },
  'GET /api/v1/workspaces/:id/logs': overWorkspaces,
  'GET /api/v1/workspaces/:id/access': overWorkspaces,
  'GET /api/v1/workspaces/:id/network': overWorkspaces,
  'GET /api/v1/workspace-health': { who: 'signed in', query: '?ids=wsp_01m856tm29e6frrs5mmr9m5rhs' },
  'POST /api/v1/workspaces/:id/postpone': { ...overWorkspaces, who: [], body: { why: 'idle' } },
  'POST /api/v1/workspaces/:id/attach': {
    ...overWorkspaces,
    browser: true,
    who: templateAdmins,
    proved: true,
    headers: { 'Sec-Fetch-Site': 'same-origin' },
    body: { key: BROWSER_KEY },
  },
  /** a port that nobody shares is for the owner of the workspace alone, whatever somebody's role */
  'POST /api/v1/workspaces/:id/apps/:app/open': {
    ...overWorkspaces,
    browser: true,
    who: [],
    proved: true,
    headers: { 'Sec-Fetch-Site': 'same-origin' },
    rest: { app: '8000' },
  },
  'GET /api/v1/workspaces/:id/connect': { who: 'open', id: 'workspace' },

  'GET /api/v1/operator/tenants': { who: 'open', headers: operator },
  'POST /api/v1/operator/keys/rotate': { who: 'open', headers: operator },
  'POST /api/v1/operator/tenants/:id/suspend': { who: 'open', headers: operator, id: 'tenant', body: { reason: 'Unpaid' } },
  'POST /api/v1/operator/tenants/:id/activate': { who: 'open', headers: operator, id: 'tenant' },
  'POST /api/v1/operator/tenants/:id/ledger/rebuild': { who: 'open', headers: operator, id: 'tenant' },
};

const lines = Object.entries(ROUTES);
const only = (wanted: (line: RouteCase, route: string) => unknown) => lines.filter(([route, line]) => wanted(line, route));
const closed = (line: RouteCase) => line.who !== 'open';
const fromPages = (_line: RouteCase, route: string) => isChange(route) && OPEN_ROUTES[route] !== 'program';

let tenant: Tenant;
let other: Tenant;
let crew: Record<BuiltInRole, Person>;
/** An owner's session for this one call: some routes end the session that calls them. */
const caller = () => addSession(tenant, crew.owner.id);
const idFor = (line: RouteCase) => (line.id ? services().newId(line.id) : '');
/** Whoever the route lets in, so that what is refused is refused for the reason under test. */
const rightful = async (line: RouteCase) => (line.who === 'open' ? {} : { cookie: (await caller()).cookie });

beforeAll(async () => {
  tenant = await mintTenant();
  other = await mintTenant();
  crew = await crewOf(tenant);
});

test('every route of the API has its line, and every line its route', () => {
  const registered = app.routes.filter(({ method }) => method !== 'ALL').map(({ method, path }) => `${method} ${path}`);
  expect(Object.keys(ROUTES).sort()).toEqual([...new Set(registered)].sort());
});

describe('not signed in', () => {
  test.each(only(closed))('%s', async (route, line) => {
    expectProblem(await callRoute(route, line, idFor(line)), 401, 'not-signed-in');
  });
});

describe('signed out a moment ago', () => {
  test.each(only(closed))('%s', async (route, line) => {
    const { cookie, sessionId } = await addSession(tenant, crew.owner.id);
    await tenant.db.batch([statement('DELETE FROM sessions WHERE tenant_id = ? AND id = ?', tenant.id, sessionId)]);
    expectProblem(await callRoute(route, line, idFor(line), { cookie }), 401, 'not-signed-in');
  });
});

describe('with an API token', () => {
  const now = () => new Date().toISOString();

  test.each(only(closed))('%s: revoked or expired', async (route, line) => {
    for (const [reason, over] of [['revoked', { revokedAt: now() }] as const, ['expired', { expiresAt: now() }] as const]) {
      const { id, headers } = await addToken(tenant, crew.owner, over);
      const answer = await callRoute(route, line, idFor(line), { headers });
      expectProblem(answer, 401, 'not-signed-in');
      expect(await eventOfAnswer(tenant, answer)).toMatchObject({
        ...{ action: 'token.use', outcome: 'denied', status: 401, reason, resource: { type: 'token', id } },
        actor: { id: crew.owner.id, via: 'token' },
      });
    }
  });

  test.each(only((line) => closed(line) && !line.anyToken))('%s: without the scope, and in the log', async (route, line) => {
    const id = line.make ? await line.make(tenant) : idFor(line);
    const token = await addToken(tenant, crew.owner, { scopes: [] });
    const answer = await callRoute(route, line, id, { headers: token.headers });
    expectProblem(answer, 403, line.browser ? 'browser-only' : 'permission-denied');
    expect(await eventOfAnswer(tenant, answer)).toMatchObject({
      ...{ outcome: 'denied', status: 403, actor: { type: 'user', id: crew.owner.id, via: 'token' }, sessionId: null },
      details: { token: token.id },
    });
  });

  test.each(only((line) => line.browser))('%s: with every scope there is, and still only for browsers', async (route, line) => {
    const id = line.make ? await line.make(tenant) : idFor(line);
    const { headers } = await addToken(tenant, crew.owner);
    const answer = await callRoute(route, line, id, { headers });
    expectProblem(answer, 403, 'browser-only');
    expect(await eventOfAnswer(tenant, answer)).toMatchObject({ outcome: 'denied', actor: { via: 'token' } });
  });

  test.each(only(closed))('%s: together with a cookie', async (route, line) => {
    const { headers } = await addToken(tenant, crew.owner);
    const { cookie } = await caller();
    expectProblem(await callRoute(route, line, idFor(line), { cookie, headers }), 401, 'not-signed-in');
  });
});

describe('whoever a line names is let in', () => {
  let theirs: Tenant;
  let theirCrew: Record<BuiltInRole, Person>;
  beforeAll(async () => {
    theirs = await mintTenant();
    theirCrew = await crewOf(theirs);
  });
  const welcome = ({ who }: RouteCase): readonly BuiltInRole[] => (who === 'open' ? [] : who === 'signed in' ? ['member'] : who);
  test.each(lines.flatMap(([route, line]) => welcome(line).map((role) => [route, role, line] as const)))(
    '%s as %s',
    async (route, role, line) => {
      const id = line.make ? await line.make(theirs) : idFor(line);
      const { cookie } = await addSession(theirs, theirCrew[role].id);
      expect([401, 403]).not.toContain((await callRoute(route, line, id, { cookie })).status);
    },
  );
});

/** What a route’s successful call is told as, and so its refusal; what changes nothing is told as a request. */
function changeOf(route: string): unknown {
  const { leaves } = ROUTE_CALLS[route.replace('/api/v1', '')] ?? expect.fail(route);
  const deny = ROUTE_CALLS[`${route.replace('/api/v1', '')} (deny)`]?.leaves ?? [];
  return typeof leaves === 'string' ? expect.any(String) : expect.toBeOneOf([...leaves, ...deny]);
}

describe('signed in, but with the wrong role: refused, and in the log', () => {
  const cases = lines.flatMap(([route, line]) => refusedRoles(line).map((role) => [route, role, line] as const));
  test.each(cases)('%s as %s', async (route, role, line) => {
    const id = line.make ? await line.make(tenant) : idFor(line);
    const answer = await callRoute(route, line, id, { cookie: crew[role].cookie });
    // What somebody may not even know of was not refused: there was nothing.
    if (line.blind?.includes(role)) return expectProblem(answer, 404, 'not-found');
    expectProblem(answer, 403, 'permission-denied');
    const event = await eventOfAnswer(tenant, answer);
    expect(event).toMatchObject({
      outcome: 'denied',
      status: 403,
      actor: { id: crew[role].id },
      requestId: answer.headers.get('X-Request-Id'),
      reason: expect.stringMatching(/./),
      ...(isChange(route) ? { action: changeOf(route) } : {}),
    });
  });
});

describe('another organisation’s object answers like one that does not exist', () => {
  test.each(only((line) => line.make))('%s', async (route, line) => {
    const theirs = (await line.make?.(other)) ?? '';
    const forThem = await callRoute(route, line, theirs, { cookie: crew.owner.cookie });
    const forNobody = await callRoute(route, line, idFor(line), { cookie: crew.owner.cookie });
    expectProblem(forThem, 404, 'not-found');
    const without = (body: unknown) => ({ ...(body as object), requestId: '' });
    expect(without(forThem.body)).toEqual(without(forNobody.body));
  });

  test.each(only((line) => line.id))('%s with an id that is none', async (route, line) => {
    for (const id of ['rubbish', '%00', 'usr_01m856tm29e6frrs5mmr9m5rhs'])
      expectProblem(await callRoute(route, line, id, await rightful(line)), [404, 422]);
  });
});

const OWN_LOG = /\/audit\/(?:events|export|stream|proof)$/;

describe('another organisation’s ids in every place that takes one', () => {
  const seed = Number(env.TEST_SEED) || Math.floor(Math.random() * 1e9);

  test(`read nothing, change nothing, and answer like ids that nobody has (SEED=${seed})`, { timeout: 120_000 }, async () => {
    const chance = new Chance(seed);
    const victim = await mintTenant();
    for (const [, line] of lines) await line.make?.(victim);
    await insertNestedGroups(victim);
    const settled = () =>
      expect.poll(() => victim.db.rows('SELECT id FROM outbox WHERE tenant_id = ?', victim.id), { timeout: 20_000 }).toEqual([]);
    const theirs = await idsOf(victim);
    const marks = [victim.slug, victim.owner.email, ...Object.values(theirs)];
    await settled();
    const before = await stateOf(victim);

    const parameters = await queryParameters();
    const attempts = only((_line, route) => !ABOVE_TENANTS.test(route)).flatMap(([route, line]) => {
      const query = shuffled(
        (parameters[route] ?? []).filter((name) => name !== 'limit'),
        chance,
      );
      const [base, ...rest] = attemptsOn(route, line, query);
      return [base, ...shuffled(rest, chance).slice(0, 8)].flatMap((made) => (made ? [{ route, made }] : []));
    });
    const waiting = shuffled(attempts, chance);
    const ownersOf = (each: Tenant) => Promise.all(Array.from({ length: AT_ONCE }, () => addUser(each, ['owner'])));
    const attackers = await Promise.all([tenant, other].map(async (each) => ({ each, owners: await ownersOf(each) })));
    /** Some routes end the session that calls them, or all of that person: who asks at the same time is somebody else. */
    const attack = async (made: ReturnType<(typeof attempts)[number]['made']>, lane: number) => {
      const { each, owners } = chance.pick(attackers);
      return attempt(made, await addSession(each, owners[lane]?.id ?? ''));
    };
    const tryOne = async ({ route, made }: (typeof attempts)[number], lane: number) => {
      const nobodys: Ids = nobodysIds(theirs);
      const [aimed, blank] = [made(theirs), made(nobodys)];
      const answer = await attack(aimed, lane);
      const body = comparable(answer, sentOf(aimed, theirs)).body;
      // One's own log says which ids one tried.
      const secret = OWN_LOG.test(route) ? marks.slice(0, 2) : marks;
      for (const mark of secret) expect(body, `${route} ${aimed.path}`).not.toContain(mark);
      if (JSON.stringify(aimed) === JSON.stringify(blank)) return;
      const same = await attack(blank, lane);
      expect(answer.status, `${route} ${aimed.path}`).toBe(same.status);
      if (answer.status >= 400) expect(comparable(answer, theirs), `${route} ${aimed.path}`).toEqual(comparable(same, nobodys));
    };
    /** The victim’s own people work meanwhile, in the same isolate, and see their own. */
    const work = async () => {
      const path = chance.pick(['/me', '/templates', '/workspaces?all=true', '/runners']);
      expect((await call('GET', path, { cookie: victim.owner.cookie })).status).toBe(200);
    };
    while (waiting.length > 0) await Promise.all([...waiting.splice(0, chance.between(1, AT_ONCE)).map(tryOne), work()]);

    await settled();
    expect(await stateOf(victim)).toEqual(before);
  });
});

/** Attempts side by side. */
const AT_ONCE = 6;

/** The operator, and the outbox of a deployment on one’s own machine. */
const ABOVE_TENANTS = /\/(operator|local)\//;

/** Those of the ids that the request itself names. */
function sentOf(made: unknown, ids: Ids): Ids {
  const text = JSON.stringify(made);
  return Object.fromEntries(Object.entries(ids).filter(([, id]) => text.includes(id)));
}

async function insertNestedGroups(where: Tenant): Promise<void> {
  const [group, inner] = [services().newId('group'), services().newId('group')];
  const member = 'INSERT INTO group_members (tenant_id, group_id, member_type, member_id) VALUES (?, ?, ?, ?)';
  await where.db.batch([
    ...[group, inner].map((id) =>
      statement("INSERT INTO groups (tenant_id, id, name, source, created_at) VALUES (?, ?, ?, 'local', '')", where.id, id, `group-${id}`),
    ),
    statement(member, where.id, group, 'group', inner),
    statement(member, where.id, inner, 'user', where.owner.id),
  ]);
}

/** By route, the names of its query parameters, as the API describes itself. */
async function queryParameters(): Promise<Record<string, string[]>> {
  const { body } = await call('GET', '/openapi.json');
  const { paths } = body as { paths: Record<string, Record<string, { parameters?: Array<{ in: string; name: string }> }>> };
  return Object.fromEntries(
    Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { parameters = [] }]) => [
        `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`,
        parameters.filter((each) => each.in === 'query').map(({ name }) => name),
      ]),
    ),
  );
}

describe('a change that another site’s page asks for', () => {
  test.each(only(fromPages))('%s', async (route, line) => {
    const { cookie } = await caller();
    const from = async (Origin: string) => {
      const answer = await callRoute(route, line, idFor(line), { cookie, headers: { Origin } });
      expectProblem(answer, 403, 'foreign-origin');
      return answer;
    };
    for (const origin of ['https://gatehouse.test.evil.test', 'http://gatehouse.test', 'null', '']) await from(origin);
    const answer = await from('https://evil.test');
    if (!closed(line)) return;
    const facts = { action: 'request.denied', outcome: 'denied', status: 403, actor: { id: crew.owner.id } };
    expect(await eventOfAnswer(tenant, answer)).toMatchObject(facts);
  });
});

describe('the operator’s routes', () => {
  test.each(only((_line, route) => route.includes('/operator/')))('%s without the token, or with a cookie', async (route, line) => {
    for (const Authorization of ['Bearer wrong', 'Basic b3BlcmF0b3I6']) {
      const answer = await callRoute(route, line, idFor(line), { headers: { Authorization, 'CF-Connecting-IP': '192.0.2.200' } });
      expectProblem(answer, 401, 'not-signed-in');
    }
  });
});

describe('rubbish', () => {
  const bodies = only((line) => line.body);

  test.each(bodies)('%s: what is no such body', async (route, line) => {
    const rightfully = await rightful(line);
    const headers = { 'Content-Type': 'application/json' };
    for (const body of ['', 'null', '[]', '"x"', '1', '{"a":', '{}x'])
      expectProblem(await callRoute(route, line, idFor(line), { ...rightfully, headers, body }), 422, 'invalid');
    for (const body of wrongTypes(line.body ?? {}))
      expectProblem(await callRoute(route, line, idFor(line), { ...rightfully, body }), 422, 'invalid');
  });

  test.each(bodies)('%s: another content type', async (route, line) => {
    const headers = { 'Content-Type': 'text/plain' };
    const answer = await callRoute(route, line, idFor(line), { ...(await rightful(line)), headers, body: JSON.stringify(line.body) });
    expectProblem(answer, 415, 'unsupported-media-type');
  });

  test.each(only((_line, route) => isChange(route)))('%s: 10 MB', async (route, line) => {
    const body = JSON.stringify({ ...line.body, padding: 'x'.repeat(10 * 1024 * 1024) });
    expectProblem(await callRoute(route, line, idFor(line), { ...(await rightful(line)), body }), 413, 'too-large');
  });

  test.each(bodies)('%s: nested ten thousand deep', async (route, line) => {
    const body = `${'['.repeat(10_000)}${']'.repeat(10_000)}`;
    expectProblem(await callRoute(route, line, idFor(line), { ...(await rightful(line)), body }), 422, 'invalid');
  });

  test.each(bodies)('%s: NUL in any of its texts', async (route, line) => {
    const rightfully = await rightful(line);
    for (const body of withEachText(line.body, (text) => `${text.slice(0, 2)}\0${text.slice(2)}`))
      expectProblem(await callRoute(route, line, idFor(line), { ...rightfully, body }), 422, 'invalid');
  });
});

/** The body with each of its fields in turn of a type that it is not. */
function wrongTypes(body: Record<string, unknown>): unknown[] {
  return Object.entries(body).map(([key, value]) => ({ ...body, [key]: typeof value === 'object' ? 'x' : { x: 1 } }));
}
