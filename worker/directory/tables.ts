import { sqliteTable, text } from 'drizzle-orm/sqlite-core';

export const tenants = sqliteTable('tenants', {
  tenantId: text('tenant_id').notNull(),
  slug: text('slug').notNull(),
  name: text('name').notNull(),
  region: text('region', { enum: ['auto', 'eu'] }).notNull(),
  state: text('state', { enum: ['active', 'suspended'] }).notNull(),
  createdAt: text('created_at').notNull(),
});

export const users = sqliteTable('users', {
  tenantId: text('tenant_id').notNull(),
  id: text('id').notNull(),
  email: text('email').notNull(),
  name: text('name').notNull(),
  state: text('state', { enum: ['active', 'suspended', 'deactivated'] }).notNull(),
  passwordHash: text('password_hash'),
  emailVerifiedAt: text('email_verified_at'),
  createdAt: text('created_at').notNull(),
  lastSeenAt: text('last_seen_at'),
});

export const roleAssignments = sqliteTable('role_assignments', {
  tenantId: text('tenant_id').notNull(),
  id: text('id').notNull(),
  role: text('role').notNull(),
  subjectType: text('subject_type', { enum: ['user', 'group', 'service-account'] }).notNull(),
  subjectId: text('subject_id').notNull(),
  expiresAt: text('expires_at'),
  createdAt: text('created_at').notNull(),
  createdBy: text('created_by'),
});
