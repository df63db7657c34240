import { invitationCreated } from '@gatehouse/core/api/directory.ts';
import { assertionOptions, registrationOptions, secondFactor, totpStarted } from '@gatehouse/core/api/factors.ts';
import { gitCredential } from '@gatehouse/core/api/git-credentials.ts';
import { me } from '@gatehouse/core/api/identity.ts';
import { Authenticator } from '../authenticator.ts';
import { proofHeader } from '../browser-key.ts';
import { addApp, addPasskey, codeOf, logIn, mailSaying } from '../factors.ts';
import { addSession, addToken, addUser, api, fragmentOf, mintTenant, read, services, unique } from '../tenants.ts';
import {
  ANYBODY,
  NEW_PASSWORD,
  NOTHING_YET,
  type RouteCall,
  asNobody,
  entered,
  idOf,
  ifMatch,
  makeAccount,
  makeSuspendedAccount,
  makes,
  newToken,
  own,
  owner,
  owns,
  self,
} from './call.ts';

const GIT_SECRET = 'a-token-for-git-0123456789';

export const IDENTITY_CALLS: Record<string, RouteCall> = {
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
  'DELETE /user-sessions/:id': {
    leaves: ['session.end'],
    call: owns('DELETE /user-sessions/:id', async (tenant) => (await addUser(tenant)).sessionId),
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
  'PUT /me/ide-settings': {
    leaves: ['ide_settings.update'],
    diff: ['keymap'],
    call: self((person, _tenant, ask) => ask(person, 'PUT /me/ide-settings', { keymap: 'vim' }, ifMatch(0))),
  },
  'POST /me/git-credentials': {
    leaves: ['git_credential.add'],
    call: self((person, _tenant, ask) =>
      ask(person, 'POST /me/git-credentials', { host: 'git.example', username: 'dev', secret: GIT_SECRET }),
    ),
  },
  'DELETE /me/git-credentials/:id': {
    leaves: ['git_credential.remove'],
    call: self(async (person, _tenant, ask) => {
      const made = await ask(person, 'POST /me/git-credentials', { host: 'git.example', username: 'dev', secret: GIT_SECRET });
      return ask(person, `DELETE /me/git-credentials/${read(made, gitCredential).id}`);
    }),
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
};
