import type { BuiltInRole, Permission } from '../../../core/access/permissions.ts';

/**
 * The permission matrix, as people decided it and not as the code computes it.
 *
 * A new permission: add its row here. `may` names the roles that hold it: on what is somebody else's in the organisation.
 * `own` is for the few that people need not have for what is their own. What belongs to another organisation is nobody's,
 * and needs no column. `probe` is a request that the permission alone decides; null while no route asks for it, and the
 * suite fails once one does.
 *
 * A new built-in role: name it in each row where it may; the suite names the rows in which code and matrix differ.
 */
export interface MatrixRow {
  may: readonly BuiltInRole[];
  own?: readonly BuiltInRole[];
  probe: Probe | null;
}

export interface Probe {
  /** `:id` in it stands for an object of the kind `on` */
  route: string;
  on?: 'workspace' | 'template' | 'runner' | 'finding';
  body?: Record<string, unknown>;
  headers?: Record<string, string>;
}

const NOBODY = 'usr_01m856tm29e6frrs5mmr9m5rhs';
const bulk = (action: string): Probe => ({ route: 'POST /users/bulk', body: { action, ids: [NOBODY] } });
const everybody = ['owner', 'user-admin', 'template-admin', 'auditor', 'member'] as const;

export const MATRIX: Record<Permission, MatrixRow> = {
  'tenant:read': { may: everybody, probe: { route: 'GET /tenant' } },
  'tenant:update': { may: ['owner'], probe: { route: 'PATCH /tenant', body: { name: 'Matrix' } } },
  'policy:read': { may: everybody, probe: { route: 'GET /deployment/security' } },
  'policy:update': { may: ['owner'], probe: { route: 'PUT /tenant/policy', body: { values: {} }, headers: { 'If-Match': '"0"' } } },
  'user:read': { may: ['owner', 'user-admin', 'template-admin', 'auditor'], probe: { route: 'GET /users' } },
  'user:invite': { may: ['owner', 'user-admin'], probe: { route: 'POST /invitations', body: { email: 'matrix@joins.test' } } },
  'user:update': { may: ['owner', 'user-admin'], probe: bulk('suspend') },
  'user:delete': { may: ['owner', 'user-admin'], probe: bulk('delete') },
  'user:sign-out': { may: ['owner', 'user-admin'], probe: bulk('sign-out') },
  'group:read': {
    may: ['owner', 'user-admin', 'template-admin', 'auditor'],
    probe: { route: `GET /group-memberships?subject=${NOBODY}` },
  },
  'group:update': { may: ['owner', 'user-admin'], probe: { route: 'POST /groups', body: { name: 'matrix' } } },
  'role:read': { may: ['owner', 'user-admin', 'auditor'], probe: { route: 'GET /roles' } },
  'role:update': { may: ['owner'], probe: { route: 'POST /roles', body: { name: 'matrix', permissions: ['tenant:read'] } } },
  'role:assign': {
    may: ['owner'],
    probe: { route: 'POST /access/preview', body: { kind: 'role-assignments', add: [], remove: [] } },
  },
  'idp:read': { may: ['owner', 'user-admin', 'auditor'], probe: { route: 'GET /identity-providers' } },
  'idp:manage': { may: ['owner'], probe: { route: 'POST /identity-providers', body: { name: 'matrix', preset: 'okta' } } },
  'service-account:read': { may: ['owner', 'user-admin', 'auditor'], probe: { route: 'GET /service-accounts' } },
  'service-account:manage': {
    may: ['owner', 'user-admin'],
    probe: { route: 'POST /service-accounts', body: { name: 'matrix', description: '', roles: [] } },
  },
  'token:read-all': { may: ['owner', 'user-admin', 'auditor'], probe: { route: 'GET /tokens' } },
  'token:revoke-all': {
    may: ['owner', 'user-admin'],
    probe: { route: 'POST /tokens/revoke', body: { ids: [NOBODY.replace('usr', 'tok')] } },
  },
  'access:review': { may: ['owner', 'user-admin', 'template-admin', 'auditor'], probe: { route: 'GET /access/review' } },
  'template:create': { may: ['owner', 'template-admin'], probe: { route: 'POST /templates', body: { name: 'matrix' } } },
  'template:admin': {
    may: ['owner', 'template-admin'],
    probe: { route: 'PATCH /templates/:id', on: 'template', body: { description: 'Matrix' }, headers: { 'If-Match': '"1"' } },
  },
  'workspace:create': {
    may: everybody,
    probe: { route: 'POST /workspaces', on: 'template', body: { templateId: ':id', name: 'matrix' } },
  },
  'workspace:read-all': {
    may: ['owner', 'template-admin', 'auditor'],
    own: everybody,
    probe: { route: 'GET /workspaces/:id', on: 'workspace' },
  },
  'workspace:stop-all': {
    may: ['owner', 'template-admin'],
    own: everybody,
    probe: { route: 'POST /workspaces/:id/stop', on: 'workspace' },
  },
  'workspace:transfer': {
    may: ['owner'],
    probe: { route: 'POST /workspaces/:id/transfer', on: 'workspace', body: { userId: NOBODY } },
  },
  'runner:read': { may: ['owner', 'template-admin', 'auditor'], probe: { route: 'GET /runners' } },
  'runner:manage': { may: ['owner', 'template-admin'], probe: { route: 'DELETE /runners/:id', on: 'runner' } },
  'audit:read': { may: ['owner', 'auditor'], probe: { route: 'GET /audit/events' } },
  'finding:triage': {
    may: ['owner'],
    probe: { route: 'POST /detections/findings/:id/move', on: 'finding', body: { from: 'open', to: 'acknowledged' } },
  },
  'recording:read': { may: ['owner', 'auditor'], probe: { route: 'GET /recordings' } },
  'recording:manage': {
    may: ['owner'],
    probe: { route: 'PUT /recording-settings', body: { retentionDays: 30 }, headers: { 'If-Match': '"0"' } },
  },
  'siem:read': { may: ['owner', 'auditor'], probe: { route: 'GET /siem-destinations' } },
  'siem:manage': {
    may: ['owner'],
    probe: { route: 'POST /siem-destinations', body: { name: 'Matrix', config: { type: 'webhook', url: 'https://siem.test/in' } } },
  },
};
