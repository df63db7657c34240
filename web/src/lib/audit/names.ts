import type { AuditChange } from '@gatehouse/core/audit/event.ts';
import * as groups from '#lib/api/groups.ts';
import * as serviceAccounts from '#lib/api/service-accounts.ts';
import type { Call } from '#lib/api/client.ts';
import * as users from '#lib/api/users.ts';

const ID = /\b(?:usr|grp|sva)_[0-9a-z]+\b/g;
/** A change that concerns more is read by its ids. */
const MOST = 20;

const NAMED: Record<string, (id: string, call: Call) => Promise<string>> = {
  usr: async (id, call) => (await users.get(id, call)).name,
  grp: async (id, call) => (await groups.get(id, call)).value.name,
  sva: async (id, call) => (await serviceAccounts.get(id, call)).name,
};

/** The ids of people, groups and service accounts that a change is about. */
export const idsIn = (changes: readonly AuditChange[]): string[] => [...new Set(changes.flatMap(({ path }) => path.match(ID) ?? []))];

/** The names that they have now; who is gone, or may not be looked at, stays an id. */
export async function namesOf(ids: readonly string[], call: Call): Promise<Map<string, string>> {
  const found = await Promise.all(
    ids.slice(0, MOST).map(async (id) => [id, await NAMED[id.slice(0, 3)]?.(id, call).catch(() => undefined)] as const),
  );
  return new Map(found.flatMap(([id, name]) => (name === undefined ? [] : [[id, name]])));
}

/** "acl.user usr_01k…" → "acl.user Priya Raman" */
export const pathWords = (path: string, names: ReadonlyMap<string, string>): string => path.replace(ID, (id) => names.get(id) ?? id);
