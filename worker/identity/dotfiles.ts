import { z } from 'zod';
import { type Dotfiles, readChosen } from '@gatehouse/core/api/ide-settings.ts';
import type { TenantDb } from '../platform/tenant-db.ts';

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
