import { sqliteTable, text } from 'drizzle-orm/sqlite-core';

export const sessions = sqliteTable('sessions', {
  tenantId: text('tenant_id').notNull(),
  id: text('id').notNull(),
  secretHash: text('secret_hash').notNull(),
  userId: text('user_id').notNull(),
  createdAt: text('created_at').notNull(),
  lastSeenAt: text('last_seen_at').notNull(),
  expiresAt: text('expires_at').notNull(),
  ip: text('ip'),
  userAgent: text('user_agent'),
  keyThumbprint: text('key_thumbprint'),
  method: text('method').notNull(),
  authenticatedAt: text('authenticated_at').notNull(),
  presenceAt: text('presence_at'),
  country: text('country'),
  city: text('city'),
  providerId: text('provider_id'),
  providerSubject: text('provider_subject'),
  providerSid: text('provider_sid'),
  providerToken: text('provider_token'),
});

export const emailVerifications = sqliteTable('email_verifications', {
  tenantId: text('tenant_id').notNull(),
  tokenHash: text('token_hash').notNull(),
  userId: text('user_id').notNull(),
  expiresAt: text('expires_at').notNull(),
});
