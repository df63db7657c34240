import { assignment } from '@gatehouse/core/api/roles.ts';
import { inHours } from '../access.ts';
import { addPasskey } from '../factors.ts';
import { addSession, addUser, mintTenant, read, unique } from '../tenants.ts';
import {
  type RouteCall,
  groupId,
  ifMatch,
  makeInvitation,
  makeDeleted,
  makeSuspended,
  makeUser,
  makes,
  onRole,
  own,
  owner,
  owns,
  roleId,
} from './call.ts';

export const DIRECTORY_CALLS: Record<string, RouteCall> = {
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
    diff: ['name', 'auditRetentionDays'],
    call: async (tenant, ask) => {
      const by = await owner(tenant);
      return own(by, await ask(by, 'PATCH /tenant', { name: `Renamed ${unique()}`, auditRetentionDays: 90 }), tenant.id);
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
  'POST /users/:id/erasure': { leaves: ['audit.erase'], call: owns('POST /users/:id/erasure', makeDeleted, { reason: 'asked' }) },
  'POST /users/:id/suspend': { leaves: ['user.suspend'], call: owns('POST /users/:id/suspend', makeUser) },
  'POST /users/:id/activate': { leaves: ['user.activate'], call: owns('POST /users/:id/activate', makeSuspended) },
  'POST /users/:id/sign-out': { leaves: ['user.sign_out_everywhere'], call: owns('POST /users/:id/sign-out', makeUser) },
  'DELETE /user-sessions/:id': {
    leaves: ['session.end'],
    call: owns('DELETE /user-sessions/:id', async (tenant) => (await addSession(tenant, (await addUser(tenant)).id)).sessionId),
  },
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
};
