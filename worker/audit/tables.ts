import { DESTINATION_STATES } from '@gatehouse/core/api/audit.ts';
import { AUDIT_FORMATS } from '@gatehouse/core/audit/formats.ts';
import { sqliteTable, text } from 'drizzle-orm/sqlite-core';

export const siemDestinations = sqliteTable('siem_destinations', {
  tenantId: text('tenant_id').notNull(),
  id: text('id').notNull(),
  name: text('name').notNull(),
  config: text('config').notNull(),
  filter: text('filter').notNull(),
  format: text('format', { enum: AUDIT_FORMATS }).notNull(),
  secret: text('secret').notNull(),
  publicKey: text('public_key'),
  rotatesUntil: text('rotates_until'),
  state: text('state', { enum: DESTINATION_STATES }).notNull(),
  replay: text('replay'),
  createdAt: text('created_at').notNull(),
});
