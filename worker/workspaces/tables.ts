import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { WORKSPACE_PHASES } from '@gatehouse/core/protocol/runner-control.ts';

export const templates = sqliteTable('templates', {
  tenantId: text('tenant_id').notNull(),
  id: text('id').notNull(),
  name: text('name').notNull(),
  description: text('description').notNull(),
  icon: text('icon').notNull(),
  versionId: text('version_id').notNull(),
  revision: integer('revision').notNull(),
  aclRevision: integer('acl_revision').notNull(),
  createdAt: text('created_at').notNull(),
  deletedAt: text('deleted_at'),
});

export const templateVersions = sqliteTable('template_versions', {
  tenantId: text('tenant_id').notNull(),
  id: text('id').notNull(),
  templateId: text('template_id').notNull(),
  number: integer('number').notNull(),
  spec: text('spec').notNull(),
  createdBy: text('created_by').notNull(),
  createdAt: text('created_at').notNull(),
});

export const runners = sqliteTable('runners', {
  tenantId: text('tenant_id').notNull(),
  id: text('id').notNull(),
  name: text('name').notNull(),
  tokenHash: text('token_hash').notNull(),
  identityKey: text('identity_key').notNull(),
  agreementKey: text('agreement_key').notNull(),
  fingerprint: text('fingerprint').notNull(),
  version: text('version').notNull(),
  platform: text('platform').notNull(),
  labels: text('labels').notNull(),
  drivers: text('drivers').notNull(),
  warnings: text('warnings').notNull(),
  load: text('load'),
  online: integer('online').notNull(),
  createdAt: text('created_at').notNull(),
  lastSeenAt: text('last_seen_at'),
  confirmedAt: text('confirmed_at'),
  deletedAt: text('deleted_at'),
});

export const workspaces = sqliteTable('workspaces', {
  tenantId: text('tenant_id').notNull(),
  id: text('id').notNull(),
  name: text('name').notNull(),
  ownerId: text('owner_id').notNull(),
  templateId: text('template_id').notNull(),
  versionId: text('version_id').notNull(),
  runnerId: text('runner_id').notNull(),
  desired: text('desired', { enum: ['running', 'stopped', 'deleted'] }).notNull(),
  phase: text('phase', { enum: WORKSPACE_PHASES }).notNull(),
  generation: integer('generation').notNull(),
  step: text('step'),
  percent: integer('percent'),
  error: text('error'),
  createdAt: text('created_at').notNull(),
  lastUsedAt: text('last_used_at'),
});
