import { z } from 'zod';
import { type ChosenIdeSettings, readChosen } from '@gatehouse/core/api/ide-settings.ts';
import { statement, type Statement, type TenantDb } from '../platform/tenant-db.ts';

const row = z.object({ settings: z.string(), revision: z.number() });

export interface StoredIdeSettings {
  settings: ChosenIdeSettings;
  /** 0: nothing was ever chosen */
  revision: number;
}

export async function findIdeSettings(db: TenantDb, userId: string): Promise<StoredIdeSettings> {
  const found = await db.first('SELECT settings, revision FROM ide_settings WHERE tenant_id = ? AND user_id = ?', ...[db.tenantId, userId]);
  if (found === undefined) return { settings: {}, revision: 0 };
  const { settings, revision } = row.parse(found);
  return { settings: readChosen(JSON.parse(settings)), revision };
}

/** Matches nothing unless what is stored is still that revision. */
export const storeIdeSettings = (
  { tenantId }: TenantDb,
  userId: string,
  { settings, revision, now }: StoredIdeSettings & { now: string },
): Statement =>
  statement(
    `INSERT INTO ide_settings (tenant_id, user_id, settings, revision, updated_at)
     SELECT ?1, ?2, ?3, 1, ?5 WHERE ?4 = 0 OR EXISTS (SELECT 1 FROM ide_settings WHERE tenant_id = ?1 AND user_id = ?2)
     ON CONFLICT (tenant_id, user_id) DO UPDATE SET settings = excluded.settings, revision = ide_settings.revision + 1, updated_at = excluded.updated_at
       WHERE ide_settings.revision = ?4`,
    ...[tenantId, userId, JSON.stringify(settings), revision, now],
  );
