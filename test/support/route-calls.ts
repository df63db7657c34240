import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { accessRequest } from '@gatehouse/core/api/access.ts';
import { destinationCreated } from '@gatehouse/core/api/audit.ts';
import { invitationCreated } from '@gatehouse/core/api/directory.ts';
import { assertionOptions, registrationOptions, secondFactor, totpStarted } from '@gatehouse/core/api/factors.ts';
import { me } from '@gatehouse/core/api/identity.ts';
import { assignment } from '@gatehouse/core/api/roles.ts';
import { serviceAccount } from '@gatehouse/core/api/service-accounts.ts';
import { enrollmentCreated, runnerEnrolled } from '@gatehouse/core/api/workspaces.ts';
import type { AuditAction, DraftEvent } from '@gatehouse/core/audit/event.ts';
import { ledgerOf } from '../../worker/compose.ts';
import type { TenantDb } from '../../worker/platform/tenant-db.ts';
import { inHours, makeTemplate, writeAcl } from './access.ts';
import { Authenticator } from './authenticator.ts';
import { BROWSER_KEY, proofHeader } from './browser-key.ts';
import { mintHook } from './doubles-client.ts';
import { addApp, addPasskey, codeOf, logIn, mailSaying } from './factors.ts';
import { give, given, makeGroup, makeRole } from './groups.ts';
import { enrollRunner, makeKeys } from './runners.ts';
import { makeRunning, makeSite } from './site.ts';
import { addSession, addToken, addUser, api, eventsOf, fragmentOf, mintTenant, ORIGIN, read, services, unique } from './tenants.ts';
import type { Answer, Person, Tenant } from './tenants.ts';
import { insertRunner, insertWorkspace } from './workspaces.ts';

/** Asks as that person, or as nobody: `ask(owner, 'POST /groups', { name })`. */
export type Ask = (by: Pick<Person, 'cookie'> | null, route: string, body?: unknown, headers?: Record<string, string>) => Promise<Answer>;

/** What a call made, as its event must say it. */
export interface Made {
  answer: Answer;
  /** id of the resource */
  on: string | null;
  /** whose log it stands in; left out: that of the tenant which was given */
  db?: TenantDb;
  by: Pick<DraftEvent['actor'], 'type' | 'id'>;
  sessionId: string | null;
}

export interface RouteCall {
  /** what the call leaves in the log, in this order; a text says why a change leaves nothing */
  leaves: readonly AuditAction[] | string;
  /** paths of the fields whose change the event shows; left out: it changes no field */
  diff?: readonly string[];
  call(tenant: Tenant, ask: Ask): Promise<Made>;
}

/** A new session of the tenant's owner: some routes end the one that calls them. */
const owner = async (tenant: Tenant) => ({ ...tenant.owner, ...(await addSession(tenant, tenant.owner.id)) });
const own = (person: Person, answer: Answer, on: string | null): Made => ({
  ...{ answer, on, by: { type: 'user', id: person.id }, sessionId: person.sessionId },
});
const idOf = ({ body }: Answer): string => String((body as { id?: unknown }).id);
const NEW_PASSWORD = 'violet lantern quartz 417';
const ANYBODY = { type: 'anonymous', id: null } as const;
const ifMatch = (revision: number) => ({ 'If-Match': `"${revision}"` });
const newToken = { name: 'ci', scopes: ['audit:read'] };

/** The owner, on something that `make` made: `owns('POST /users/:id/suspend', makeUser)`. */
const owns =
  (route: string, make: (tenant: Tenant) => Promise<string>, body?: unknown, headers?: Record<string, string>) =>
  async (tenant: Tenant, ask: Ask): Promise<Made> => {
    const id = await make(tenant);
    const by = await owner(tenant);
    return own(by, await ask(by, route.replace(':id', id), body, headers), id);
  };
/** The owner makes something, and the answer names it. */
const makes =
  (route: string, body: (tenant: Tenant) => unknown) =>
  async (tenant: Tenant, ask: Ask): Promise<Made> => {
    const by = await owner(tenant);
    const answer = await ask(by, route, await body(tenant));
    return own(by, answer, idOf(answer));
  };
/** Somebody for themselves. */
const self =
  (work: (person: Person, tenant: Tenant, ask: Ask) => Promise<Answer | { answer: Answer; on: string }>) =>
  async (tenant: Tenant, ask: Ask): Promise<Made> => {
    const person = await addUser(tenant);
    const done = await work(person, tenant, ask);
    return 'on' in done ? own(person, done.answer, done.on) : own(person, done, person.id);
  };

const makeUser = async (tenant: Tenant) => (await addUser(tenant)).id;
const makeSuspended = async (tenant: Tenant) => {
  const id = await makeUser(tenant);
  await api(tenant.owner).post(`/users/${id}/suspend`);
  return id;
};
const makeAccount = async (tenant: Tenant) =>
  read(await api(tenant.owner).post('/service-accounts', { name: `robot ${unique()}` }), serviceAccount).id;
const makeSuspendedAccount = async (tenant: Tenant) => {
  const id = await makeAccount(tenant);
  await api(tenant.owner).post(`/service-accounts/${id}/suspend`);
  return id;
};
const makeInvitation = async (tenant: Tenant) =>
  read(await api(tenant.owner).post('/invitations', { email: `${unique()}@joins.test` }), invitationCreated).id;
const groupId = async (tenant: Tenant) => (await makeGroup(tenant)).id;
const roleId = async (tenant: Tenant) => (await makeRole(tenant, ['audit:read'])).id;
const HOOK = { type: 'webhook', url: 'https://siem.example.org/in' };
const makeReplaying = async (tenant: Tenant) => {
  const id = await makeDestination(tenant);
  await api(tenant.owner).post(`/siem-destinations/${id}/replay`, { from: 1 });
  return id;
};
/** It refused the first event, and takes it now. */
const makeSetAside = async (tenant: Tenant) => {
  const config = { type: 'webhook', url: mintHook().url };
  const { id } = read(await api(tenant.owner).post('/siem-destinations', { name: `SIEM ${unique()}`, config }), destinationCreated);
  const [{ id: eventId } = { id: '' }] = await eventsOf(tenant);
  await runInDurableObject(ledgerOf(env, services().settings, tenant.shard, tenant.id), (_, { storage }) => {
    storage.sql.exec(
      "INSERT INTO set_aside (destination_id, seq, event_id, action, time, at, reason) VALUES (?, 1, ?, 'tenant.create', '', 0, 'Refused')",
      ...[id, eventId],
    );
  });
  return id;
};
const makeDestination = async (tenant: Tenant) => {
  const { id } = read(await api(tenant.owner).post('/siem-destinations', { name: `SIEM ${unique()}`, config: HOOK }), destinationCreated);
  await api(tenant.owner).post(`/siem-destinations/${id}/pause`);
  return id;
};
const makeActiveDestination = async (tenant: Tenant) =>
  read(await api(tenant.owner).post('/siem-destinations', { name: `SIEM ${unique()}`, config: HOOK }), destinationCreated).id;
const makeRequest = async (tenant: Tenant, asker: Pick<Person, 'cookie'>) => {
  const templateId = await makeTemplate(tenant);
  await writeAcl(tenant, templateId, [{ subject: { type: 'everyone' }, role: 'view', expiresAt: null }]);
  return read(await api(asker).post('/access-requests', { templateId, hours: 8, reason: 'On call' }), accessRequest).id;
};
const askedFor = async (tenant: Tenant) => makeRequest(tenant, await addUser(tenant));
/** An assignment of `auditor`, and whose. */
const assigned = async (tenant: Tenant) => given(give(tenant.owner, await addUser(tenant), 'auditor'));
const onRole =
  (route: string, body?: unknown) =>
  async (tenant: Tenant, ask: Ask): Promise<Made> => ({ ...(await owns(route, assigned, body)(tenant, ask)), on: 'auditor' });

const NOTHING_YET = 'a challenge, which counts for nothing until it is answered';

/** Every route that changes something, and what its successful call leaves. */
export const ROUTE_CALLS: Record<string, RouteCall> = {
  'POST /signup': {
    leaves: ['tenant.create'],
    call: async (_tenant, ask) => {
      const slug = `t-${unique()}`;
      const user = { name: 'Olga', email: `olga@${slug}.test`, password: NEW_PASSWORD };
      const answer = await ask(null, 'POST /signup', { tenant: { name: 'New', slug }, user });
      const { tenant, user: made, session } = read(answer, me);
      const by = { type: 'user' as const, id: made.id };
      return { answer, on: tenant.id, db: services().tenantDb('s0', tenant.id), by, sessionId: session.id };
    },
  },
  'POST /login': {
    leaves: ['user.sign_in'],
    call: async (tenant, ask) => {
      const { email, password, id } = tenant.owner;
      return entered(await ask(null, 'POST /login', { tenant: tenant.slug, email, password }), id);
    },
  },
  'POST /logout': { leaves: ['user.sign_out'], call: self((person, _tenant, ask) => ask(person, 'POST /logout')) },
  'POST /login/totp': {
    leaves: ['user.sign_in'],
    call: async (tenant, ask) => {
      const person = await addUser(tenant);
      const { secret } = await addApp(person);
      const { challenge } = read(await logIn(tenant, person), secondFactor);
      return entered(await ask(null, 'POST /login/totp', { challenge, code: codeOf(secret) }), person.id);
    },
  },
  'POST /login/recovery-code': {
    leaves: ['recovery_code.use', 'user.sign_in'],
    call: async (tenant, ask) => {
      const person = await addUser(tenant);
      const { recoveryCodes } = await addApp(person);
      const { challenge } = read(await logIn(tenant, person), secondFactor);
      return entered(await ask(null, 'POST /login/recovery-code', { challenge, code: recoveryCodes[0] }), person.id);
    },
  },
  'POST /login/passkey/options': { leaves: NOTHING_YET, call: asNobody('POST /login/passkey/options') },
  'POST /login/passkey': {
    leaves: ['user.sign_in'],
    call: async (tenant, ask) => {
      const person = await addUser(tenant);
      const { authenticator } = await addPasskey(person);
      const asked = read(await ask(null, 'POST /login/passkey/options'), assertionOptions);
      return entered(await ask(null, 'POST /login/passkey', { credential: await authenticator.sign(asked) }), person.id);
    },
  },
  'POST /password-resets': {
    leaves: ['user.request_password_reset'],
    call: async (tenant, ask) => {
      const person = await addUser(tenant);
      const answer = await ask(null, 'POST /password-resets', { tenant: tenant.slug, email: person.email });
      await mailSaying(person.email, /set a new password/);
      return { answer, on: person.id, by: ANYBODY, sessionId: null };
    },
  },
  'POST /password-resets/redeem': {
    leaves: ['user.reset_password'],
    call: async (tenant, ask) => {
      const person = await addUser(tenant);
      await ask(null, 'POST /password-resets', { tenant: tenant.slug, email: person.email });
      const token = fragmentOf(await mailSaying(person.email, /set a new password/));
      const answer = await ask(null, 'POST /password-resets/redeem', { token, password: NEW_PASSWORD });
      return { answer, on: person.id, by: ANYBODY, sessionId: null };
    },
  },
  'POST /verify-email': {
    leaves: ['user.verify_email'],
    call: async (_tenant, ask) => {
      const theirs = await mintTenant({ verified: false });
      const token = fragmentOf(await mailSaying(theirs.owner.email, /verify|yours/));
      const answer = await ask(null, 'POST /verify-email', { token });
      return { answer, on: theirs.owner.id, db: theirs.db, by: ANYBODY, sessionId: null };
    },
  },
  'POST /invitations/preview': {
    leaves: 'it changes nothing',
    call: async (tenant, ask) => {
      const made = await api(tenant.owner).post('/invitations', { email: `${unique()}@joins.test` });
      const answer = await ask(null, 'POST /invitations/preview', { token: fragmentOf(read(made, invitationCreated).link) });
      return { answer, on: null, by: ANYBODY, sessionId: null };
    },
  },
  'POST /invitations/accept': {
    leaves: ['user.join'],
    call: async (tenant, ask) => {
      const made = await api(tenant.owner).post('/invitations', { email: `${unique()}@joins.test` });
      const token = fragmentOf(read(made, invitationCreated).link);
      const answer = await ask(null, 'POST /invitations/accept', { token, name: 'Nina', password: NEW_PASSWORD });
      return entered(answer, read(answer, me).user.id);
    },
  },

  'POST /me/verification': {
    leaves: ['user.request_verification'],
    call: async (_tenant, ask) => {
      const theirs = await mintTenant({ verified: false });
      const answer = await ask(theirs.owner, 'POST /me/verification');
      return { ...own(theirs.owner, answer, theirs.owner.id), db: theirs.db };
    },
  },
  'POST /me/session/key': {
    leaves: ['session.bind_key'],
    call: async (tenant, ask) => {
      const { id } = tenant.owner;
      const session = await addSession(tenant, id, new Date(), null);
      const answer = await ask(session, 'POST /me/session/key', undefined, await proofHeader('POST', '/me/session/key'));
      return { answer, on: session.sessionId, by: { type: 'user', id }, sessionId: session.sessionId };
    },
  },
  'DELETE /me/sessions': { leaves: ['user.sign_out_everywhere'], call: self((person, _tenant, ask) => ask(person, 'DELETE /me/sessions')) },
  'DELETE /me/sessions (others)': {
    leaves: ['user.sign_out_others'],
    call: self(async (person, tenant, ask) => {
      await addSession(tenant, person.id);
      return ask(person, 'DELETE /me/sessions?keep=current');
    }),
  },
  'DELETE /me/sessions/:id': {
    leaves: ['session.end'],
    call: self(async (person, tenant, ask) => {
      const { sessionId } = await addSession(tenant, person.id);
      return { answer: await ask(person, `DELETE /me/sessions/${sessionId}`), on: sessionId };
    }),
  },
  'POST /me/tokens': { leaves: ['token.create'], call: makes('POST /me/tokens', () => newToken) },
  'POST /tokens/revoke': {
    leaves: ['token.revoke'],
    call: async (tenant, ask) => {
      const { id } = await addToken(tenant, await addUser(tenant));
      const by = await owner(tenant);
      return own(by, await ask(by, 'POST /tokens/revoke', { ids: [id] }), id);
    },
  },
  'DELETE /tokens/:id': {
    leaves: ['token.revoke'],
    call: owns('DELETE /tokens/:id', async (tenant) => (await addToken(tenant, await addUser(tenant))).id),
  },

  'POST /service-accounts': {
    leaves: ['service_account.create'],
    diff: ['name', 'description', 'responsible', 'roles'],
    call: makes('POST /service-accounts', () => ({ name: `robot ${unique()}`, description: 'Pulls the log', roles: ['auditor'] })),
  },
  'PATCH /service-accounts/:id': {
    leaves: ['service_account.update'],
    diff: ['description'],
    call: owns('PATCH /service-accounts/:id', makeAccount, { description: 'Other' }),
  },
  'DELETE /service-accounts/:id': { leaves: ['service_account.delete'], call: owns('DELETE /service-accounts/:id', makeAccount) },
  'POST /service-accounts/:id/suspend': {
    leaves: ['service_account.suspend'],
    call: owns('POST /service-accounts/:id/suspend', makeAccount),
  },
  'POST /service-accounts/:id/activate': {
    leaves: ['service_account.activate'],
    call: owns('POST /service-accounts/:id/activate', makeSuspendedAccount),
  },
  'POST /service-accounts/:id/tokens': {
    leaves: ['token.create'],
    call: async (tenant, ask) => {
      const by = await owner(tenant);
      const answer = await ask(by, `POST /service-accounts/${await makeAccount(tenant)}/tokens`, newToken);
      return own(by, answer, idOf(answer));
    },
  },

  'POST /me/password': {
    leaves: ['user.change_password'],
    call: self((person, _tenant, ask) => ask(person, 'POST /me/password', { current: person.password, password: NEW_PASSWORD })),
  },
  'POST /me/step-up/password': {
    leaves: ['user.step_up'],
    call: self(({ password, ...person }, _tenant, ask) => ask(person, 'POST /me/step-up/password', { password })),
  },
  'POST /me/step-up/passkey/options': {
    leaves: NOTHING_YET,
    call: self(async (person, _tenant, ask) => {
      await addPasskey(person);
      return ask(person, 'POST /me/step-up/passkey/options');
    }),
  },
  'POST /me/step-up/passkey': {
    leaves: ['user.step_up'],
    call: self(async (person, _tenant, ask) => {
      const { authenticator } = await addPasskey(person);
      const asked = read(await ask(person, 'POST /me/step-up/passkey/options'), assertionOptions);
      return ask(person, 'POST /me/step-up/passkey', { credential: await authenticator.sign(asked) });
    }),
  },
  'POST /me/passkeys/options': { leaves: NOTHING_YET, call: self((person, _tenant, ask) => ask(person, 'POST /me/passkeys/options')) },
  'POST /me/passkeys': {
    leaves: ['passkey.add'],
    call: self(async (person, _tenant, ask) => {
      const authenticator = await Authenticator.make();
      const asked = read(await ask(person, 'POST /me/passkeys/options'), registrationOptions);
      return ask(person, 'POST /me/passkeys', { name: 'Laptop', credential: await authenticator.register(asked) });
    }),
  },
  'PATCH /me/passkeys/:id': {
    leaves: ['passkey.rename'],
    diff: ['name'],
    call: self(async (person, _tenant, ask) => ask(person, `PATCH /me/passkeys/${(await addPasskey(person)).id}`, { name: 'Phone' })),
  },
  'DELETE /me/passkeys/:id': {
    leaves: ['passkey.remove'],
    call: self(async (person, _tenant, ask) => ask(person, `DELETE /me/passkeys/${(await addPasskey(person)).id}`)),
  },
  'POST /me/totp': {
    leaves: 'a secret that counts for nothing until its first code',
    call: self((person, _tenant, ask) => ask(person, 'POST /me/totp')),
  },
  'POST /me/totp/confirm': {
    leaves: ['totp.enable'],
    call: self(async (person, _tenant, ask) => {
      const { secret } = read(await ask(person, 'POST /me/totp'), totpStarted);
      return ask(person, 'POST /me/totp/confirm', { code: codeOf(secret) });
    }),
  },
  'DELETE /me/totp': {
    leaves: ['totp.disable'],
    call: self(async (person, _tenant, ask) => {
      await addApp(person);
      return ask(person, 'DELETE /me/totp');
    }),
  },
  'POST /me/recovery-codes': {
    leaves: ['recovery_codes.create'],
    call: self(async (person, _tenant, ask) => {
      await addApp(person);
      return ask(person, 'POST /me/recovery-codes');
    }),
  },

  'PUT /tenant/policy': {
    leaves: ['policy.update'],
    diff: ['upload'],
    call: async (_tenant, ask) => {
      const theirs = await mintTenant();
      const answer = await ask(theirs.owner, 'PUT /tenant/policy', { values: { upload: 20 } }, ifMatch(0));
      return { ...own(theirs.owner, answer, 'tenant'), db: theirs.db };
    },
  },
  'PATCH /tenant': {
    leaves: ['tenant.update'],
    diff: ['name'],
    call: async (tenant, ask) => {
      const by = await owner(tenant);
      return own(by, await ask(by, 'PATCH /tenant', { name: `Renamed ${unique()}` }), tenant.id);
    },
  },
  'POST /users/bulk': {
    leaves: ['user.suspend'],
    call: async (tenant, ask) => {
      const id = await makeUser(tenant);
      const by = await owner(tenant);
      return own(by, await ask(by, 'POST /users/bulk', { action: 'suspend', ids: [id] }), id);
    },
  },
  'PATCH /users/:id': { leaves: ['user.update'], diff: ['name'], call: owns('PATCH /users/:id', makeUser, { name: 'Renamed' }) },
  'DELETE /users/:id': { leaves: ['user.delete'], call: owns('DELETE /users/:id', makeUser) },
  'POST /users/:id/suspend': { leaves: ['user.suspend'], call: owns('POST /users/:id/suspend', makeUser) },
  'POST /users/:id/activate': { leaves: ['user.activate'], call: owns('POST /users/:id/activate', makeSuspended) },
  'POST /users/:id/sign-out': { leaves: ['user.sign_out_everywhere'], call: owns('POST /users/:id/sign-out', makeUser) },
  'DELETE /users/:id/factors': {
    leaves: ['user.reset_factors'],
    call: owns('DELETE /users/:id/factors', async (tenant) => {
      const person = await addUser(tenant);
      await addPasskey(person);
      return person.id;
    }),
  },
  'POST /invitations': {
    leaves: ['invitation.create'],
    call: makes('POST /invitations', () => ({ email: `${unique()}@joins.test`, roles: ['user-admin'] })),
  },
  'DELETE /invitations/:id': { leaves: ['invitation.revoke'], call: owns('DELETE /invitations/:id', makeInvitation) },

  'POST /groups': {
    leaves: ['group.create'],
    diff: ['name', 'description'],
    call: makes('POST /groups', () => ({ name: `Group ${unique()}`, description: 'On call' })),
  },
  'PATCH /groups/:id': {
    leaves: ['group.update'],
    diff: ['description'],
    call: owns('PATCH /groups/:id', groupId, { description: 'Other' }, ifMatch(1)),
  },
  'DELETE /groups/:id': { leaves: ['group.delete'], diff: ['name', 'description'], call: owns('DELETE /groups/:id', groupId) },
  'PATCH /groups/:id/members': {
    leaves: ['group.members.update'],
    diff: ['members.user'],
    call: async (tenant, ask) => {
      const member = await addUser(tenant);
      return owns('PATCH /groups/:id/members', groupId, { add: [{ type: 'user', id: member.id }] })(tenant, ask);
    },
  },
  'PUT /groups/:id/managers': {
    leaves: ['group.managers.update'],
    diff: ['managers.'],
    call: async (tenant, ask) => {
      const manager = await addUser(tenant);
      return owns('PUT /groups/:id/managers', groupId, { items: [manager.id] }, ifMatch(1))(tenant, ask);
    },
  },
  'POST /roles': {
    leaves: ['role.create'],
    diff: ['name', 'description', 'permissions'],
    call: makes('POST /roles', () => ({ name: `Role ${unique()}`, description: 'Reads', permissions: ['audit:read'] })),
  },
  'PATCH /roles/:id': {
    leaves: ['role.update'],
    diff: ['description'],
    call: owns('PATCH /roles/:id', roleId, { description: 'Other' }, ifMatch(1)),
  },
  'DELETE /roles/:id': { leaves: ['role.delete'], diff: ['name', 'description', 'permissions'], call: owns('DELETE /roles/:id', roleId) },
  'POST /role-assignments': {
    leaves: ['role.assign'],
    diff: ['role '],
    call: async (tenant, ask) => {
      const { id } = await addUser(tenant);
      const by = await owner(tenant);
      const answer = await ask(by, 'POST /role-assignments', { role: 'auditor', subject: { type: 'user', id } });
      read(answer, assignment);
      return own(by, answer, 'auditor');
    },
  },
  'PATCH /role-assignments/:id': {
    leaves: ['role.extend'],
    diff: ['role '],
    call: onRole('PATCH /role-assignments/:id', { expiresAt: inHours(48) }),
  },
  'DELETE /role-assignments/:id': { leaves: ['role.unassign'], diff: ['role '], call: onRole('DELETE /role-assignments/:id') },

  'POST /siem-destinations': {
    leaves: ['siem.create'],
    diff: ['name', 'type', 'url', 'secret'],
    call: makes('POST /siem-destinations', () => ({ name: `SIEM ${unique()}`, config: HOOK })),
  },
  'PATCH /siem-destinations/:id': {
    leaves: ['siem.update'],
    diff: ['name', 'secret'],
    call: owns('PATCH /siem-destinations/:id', makeDestination, {
      name: 'Other',
      secret: `whsec_${btoa('a signing secret of 32 bytes, yes')}`,
    }),
  },
  'DELETE /siem-destinations/:id': {
    leaves: ['siem.delete'],
    diff: ['name', 'type', 'url', 'secret'],
    call: owns('DELETE /siem-destinations/:id', makeDestination),
  },
  'POST /siem-destinations/:id/pause': { leaves: ['siem.pause'], call: owns('POST /siem-destinations/:id/pause', makeActiveDestination) },
  'POST /siem-destinations/:id/resume': { leaves: ['siem.resume'], call: owns('POST /siem-destinations/:id/resume', makeDestination) },
  'POST /siem-destinations/:id/test': { leaves: ['siem.test'], call: owns('POST /siem-destinations/:id/test', makeDestination) },
  'POST /siem-destinations/:id/rotate-secret': {
    leaves: ['siem.rotate_secret'],
    diff: ['secret'],
    call: owns('POST /siem-destinations/:id/rotate-secret', makeDestination),
  },
  'POST /siem-destinations/:id/replay': {
    leaves: ['siem.replay.start'],
    call: owns('POST /siem-destinations/:id/replay', makeDestination, { from: 1 }),
  },
  'POST /siem-destinations/:id/replay/cancel': {
    leaves: ['siem.replay.cancel'],
    call: owns('POST /siem-destinations/:id/replay/cancel', makeReplaying),
  },
  'POST /siem-destinations/:id/set-aside/retry': {
    leaves: ['siem.set_aside.retry'],
    call: owns('POST /siem-destinations/:id/set-aside/retry', makeSetAside, { seqs: [1] }),
  },
  'POST /siem-destinations/:id/set-aside/dismiss': {
    leaves: ['siem.set_aside.dismiss'],
    call: owns('POST /siem-destinations/:id/set-aside/dismiss', makeSetAside, { seqs: [1] }),
  },

  'POST /templates': {
    leaves: ['template.create'],
    diff: ['name', 'description', 'icon', 'startupScript', 'environment', 'apps', 'driver'],
    call: makes('POST /templates', () => ({
      name: `x-${unique()}`,
      description: 'A box',
      spec: { startupScript: 'true', environment: { TOKEN: 'environment value 4b1d9c' } },
    })),
  },
  'PATCH /templates/:id': {
    leaves: ['template.update'],
    diff: ['description'],
    call: owns('PATCH /templates/:id', makeTemplate, { description: 'Other' }, ifMatch(1)),
  },
  'DELETE /templates/:id': {
    leaves: ['template.delete'],
    diff: ['name', 'description', 'icon'],
    call: owns('DELETE /templates/:id', makeTemplate),
  },
  'POST /templates/:id/versions': {
    leaves: ['template.publish'],
    diff: ['startupScript', 'environment'],
    call: owns('POST /templates/:id/versions', makeTemplate, {
      spec: { startupScript: 'true', environment: { TOKEN: 'environment value 77e0f2' } },
    }),
  },
  'PUT /templates/:id/acl': {
    leaves: ['template.acl.update'],
    diff: ['acl.everyone'],
    call: owns('PUT /templates/:id/acl', makeTemplate, { items: [{ subject: { type: 'everyone' }, role: 'use' }] }, ifMatch(1)),
  },
  'PUT /templates/:id/policy': {
    leaves: ['policy.update'],
    diff: ['upload'],
    call: owns('PUT /templates/:id/policy', makeTemplate, { values: { upload: 20 } }, ifMatch(0)),
  },

  'POST /access/preview': {
    leaves: 'it changes nothing',
    call: async (tenant, ask) => {
      const by = await owner(tenant);
      return own(by, await ask(by, 'POST /access/preview', { kind: 'delete-group', groupId: await groupId(tenant) }), null);
    },
  },
  'POST /access-requests': {
    leaves: ['access_request.create'],
    call: self(async (person, tenant, ask) => {
      const templateId = await makeTemplate(tenant);
      await writeAcl(tenant, templateId, [{ subject: { type: 'everyone' }, role: 'view', expiresAt: null }]);
      const answer = await ask(person, 'POST /access-requests', { templateId, hours: 8, reason: 'On call' });
      return { answer, on: idOf(answer) };
    }),
  },
  'POST /access-requests/:id/decision': {
    leaves: ['access_request.approve'],
    call: owns('POST /access-requests/:id/decision', askedFor, { decision: 'approve' }),
  },
  'POST /access-requests/:id/decision (deny)': {
    leaves: ['access_request.deny'],
    call: owns('POST /access-requests/:id/decision', askedFor, { decision: 'deny', note: 'Not now' }),
  },
  'POST /access-requests/:id/withdraw': {
    leaves: ['access_request.withdraw'],
    call: self(async (person, tenant, ask) => {
      const id = await makeRequest(tenant, person);
      return { answer: await ask(person, `POST /access-requests/${id}/withdraw`), on: id };
    }),
  },
  'POST /notices/seen': {
    leaves: 'it says only that somebody has looked',
    call: self((person, _tenant, ask) => ask(person, 'POST /notices/seen')),
  },

  'DELETE /runners/:id': { leaves: ['runner.remove'], call: owns('DELETE /runners/:id', insertRunner) },
  'POST /runners/:id/confirm': {
    leaves: ['runner.confirm'],
    call: async (tenant, ask) => {
      const { id, fingerprint } = await enrollRunner(tenant, { confirm: false });
      const by = await owner(tenant);
      return own(by, await ask(by, `POST /runners/${id}/confirm`, { fingerprint }), id);
    },
  },
  'POST /runner-enrollments': {
    leaves: ['runner.enrollment.create'],
    call: async (tenant, ask) => ({ ...(await makes('POST /runner-enrollments', () => ({ name: 'runner' }))(tenant, ask)), on: null }),
  },
  'POST /runner/enroll': {
    leaves: ['runner.enroll'],
    call: async (tenant, ask) => {
      const { code } = read(await api(tenant.owner).post('/runner-enrollments', {}), enrollmentCreated);
      const { identityKey, agreementKey } = await makeKeys();
      const body = { code, name: `runner-${unique()}`, identityKey, agreementKey, version: '0.1.0', platform: 'linux-x64' };
      const answer = await ask(null, 'POST /runner/enroll', body);
      const { runnerId } = read(answer, runnerEnrolled);
      return { answer, on: runnerId, by: { type: 'runner', id: runnerId }, sessionId: null };
    },
  },

  'POST /workspaces': {
    leaves: ['workspace.create'],
    call: async (_tenant, ask) => {
      const { tenant, dev, templateId } = await makeSite();
      const answer = await ask(dev, 'POST /workspaces', { templateId, name: 'box' });
      return { ...own(dev, answer, idOf(answer)), db: tenant.db };
    },
  },
  'DELETE /workspaces/:id': { leaves: ['workspace.delete'], call: owns('DELETE /workspaces/:id', insertWorkspace) },
  'POST /workspaces/:id/start': { leaves: ['workspace.start'], call: owns('POST /workspaces/:id/start', insertWorkspace) },
  'POST /workspaces/:id/stop': {
    leaves: ['workspace.stop'],
    call: async (_tenant, ask) => {
      const site = await makeSite();
      const { id } = await makeRunning(site);
      return { ...own(site.dev, await ask(site.dev, `POST /workspaces/${id}/stop`), id), db: site.tenant.db };
    },
  },
  'POST /workspaces/:id/attach': {
    leaves: ['connection.open'],
    call: async (_tenant, ask) => {
      const site = await makeSite();
      const path = `/workspaces/${(await makeRunning(site)).id}/attach`;
      const headers = { 'Sec-Fetch-Site': 'same-origin', ...(await proofHeader('POST', path)) };
      const answer = await ask(site.dev, `POST ${path}`, { key: BROWSER_KEY }, headers);
      const on = String((answer.body as { connectionId?: unknown }).connectionId);
      return { ...own(site.dev, answer, on), db: site.tenant.db };
    },
  },

  'POST /operator/tenants/:id/suspend': { leaves: ['tenant.suspend'], call: operates('suspend', { reason: 'Unpaid' }) },
  'POST /operator/tenants/:id/activate': { leaves: ['tenant.activate'], call: operates('activate') },
};

function asNobody(route: string) {
  return async (_tenant: Tenant, ask: Ask): Promise<Made> => ({ answer: await ask(null, route), on: null, by: ANYBODY, sessionId: null });
}

/** Somebody came in: the session is the one that begins. */
function entered(answer: Answer, userId: string): Made {
  return { answer, on: userId, by: { type: 'user', id: userId }, sessionId: read(answer, me).session.id };
}

function operates(act: 'suspend' | 'activate', body?: unknown) {
  return async (_tenant: Tenant, ask: Ask): Promise<Made> => {
    const theirs = await mintTenant();
    const headers = { Authorization: `Bearer ${env.OPERATOR_TOKEN}`, Origin: ORIGIN };
    if (act === 'activate') await ask(null, `POST /operator/tenants/${theirs.id}/suspend`, { reason: 'Unpaid' }, headers);
    const answer = await ask(null, `POST /operator/tenants/${theirs.id}/${act}`, body, headers);
    return { answer, on: theirs.id, db: theirs.db, by: { type: 'operator', id: null }, sessionId: null };
  };
}
