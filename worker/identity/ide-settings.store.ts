import { z } from 'zod';
import { type ChosenIdeSettings, type Dotfiles, readChosen } from '@gatehouse/core/api/ide-settings.ts';
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

const dotfilesRow = z.object({ user_id: z.string(), settings: z.string() });

/** The dotfiles of those people who are active and have some, by person. */
export async function findDotfiles(db: TenantDb, userIds: readonly string[]): Promise<Map<string, Dotfiles>> {
  if (userIds.length === 0) return new Map();
  const found = await db.rows(
    `SELECT s.user_id, s.settings FROM json_each(?2) AS wanted
     JOIN users u ON u.tenant_id = ?1 AND u.id = wanted.value AND u.state = 'active'
     JOIN ide_settings s ON s.tenant_id = ?1 AND s.user_id = u.id`,
    db.tenantId,
    JSON.stringify(userIds),
  );
  return new Map(
    found.flatMap((each) => {
      const { user_id, settings } = dotfilesRow.parse(each);
      const { dotfiles } = readChosen(JSON.parse(settings));
      return dotfiles ? [[user_id, dotfiles] as const] : [];
    }),
  );
}
