import { sqliteTable, text } from 'drizzle-orm/sqlite-core';

export const siemDestinations = sqliteTable('siem_destinations', {
  tenantId: text('tenant_id').notNull(),
  id: text('id').notNull(),
  name: text('name').notNull(),
  config: text('config').notNull(),
  secret: text('secret').notNull(),
  state: text('state', { enum: ['active', 'paused', 'failing'] }).notNull(),
  createdAt: text('created_at').notNull(),
});
