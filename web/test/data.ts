import { newId, type IdKind } from '@gatehouse/core/ids.ts';
import { permissionsOf } from '@gatehouse/core/access/permissions.ts';
import type { Me } from '@gatehouse/core/api/identity.ts';
import type { Workspace } from '@gatehouse/core/api/workspaces.ts';
import type { AuditEvent } from '@gatehouse/core/audit/event.ts';

export const NOW = Date.parse('2026-11-23T10:00:00.000Z');

let made = 0;
export const id = (kind: IdKind): string => {
  made += 1;
  return newId(
    kind,
    NOW,
    Uint8Array.from({ length: 16 }, (_, index) => (made >> ((index % 4) * 8)) & 255),
  );
};

export const me = (): Me => ({
  user: {
    id: id('user'),
    name: 'Ines Okafor',
    email: 'ines@meridian.example',
    emailVerified: true,
    roles: ['owner'],
    customRoles: [],
    managesGroups: false,
  },
  tenant: { id: id('tenant'), name: 'Meridian Rail', slug: 'meridian-rail', region: 'auto' },
  permissions: [...permissionsOf(['owner'])],
  session: {
    ...{ id: id('session'), expiresAt: '2026-11-24T10:00:00.000Z', hasKey: true },
    ...{ method: 'password', authenticatedAt: '2026-11-23T09:59:00.000Z' },
  },
  secondFactor: { set: false, missing: false },
});

export const workspace = (facts: Partial<Workspace> = {}): Workspace => ({
  id: id('workspace'),
  name: 'settlement-api',
  owner: { id: id('user'), name: 'Ines Okafor' },
  template: { ...{ id: id('template'), name: 'payments' }, version: 14, versionId: id('templateVersion'), state: 'published' },
  update: null,
  parameters: {},
  rootfs: null,
  image: null,
  runner: {
    ...{ id: id('runner'), name: 'build-01', online: true, drain: null, revoked: false },
    ...{ removed: false, lastSeenAt: '2026-11-23T09:59:00.000Z' },
  },
  line: null,
  desired: 'running',
  phase: 'running',
  generation: 1,
  step: null,
  percent: null,
  error: null,
  failure: null,
  changedAt: '2026-11-23T09:59:00.000Z',
  trash: null,
  state: { kind: 'running', word: 'Running', sentence: 'On runner build-01.', ways: ['open', 'stop', 'restart', 'log', 'delete'] },
  createdAt: '2026-11-20T10:00:00.000Z',
  lastUsedAt: null,
  mine: true,
  apps: [],
  ...facts,
});

export const auditEvent = (seq: number): AuditEvent => ({
  id: id('event'),
  seq,
  time: '2026-11-23T09:00:00.000Z',
  recordedAt: '2026-11-23T09:00:00.100Z',
  actor: { type: 'user', id: id('user'), name: 'Ines Okafor', email: null, via: 'session' },
  action: 'user.sign_in',
  resource: { type: 'user', id: null, name: 'Ines Okafor' },
  outcome: 'success',
  status: 200,
  reason: null,
  origin: null,
  requestId: null,
  sessionId: null,
  workspaceId: null,
  grantId: null,
  diff: [],
  details: {},
});
