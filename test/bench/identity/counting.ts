import type { Person } from '../../../scripts/api.ts';
import { timed, until } from '../measure.ts';
import type { Add } from '../turns.ts';
import type { Directory } from './directory.ts';

/** How soon what a directory says counts: in what people may use, and in the trail. */

const templateOf = async (owner: Person, name: string): Promise<string> =>
  (await owner.call<{ id: string }>('POST', '/templates', { name, spec: { driver: 'process' } })).id;

/** A template for all groups whose names begin so, of a directory that is still to come. @returns its id */
export async function mapPrefix(owner: Person, providerId: string, prefix: string): Promise<string> {
  const id = await templateOf(owner, `mapped-${prefix}all`);
  const target = { type: 'template', id };
  await owner.call('POST', `/identity-providers/${providerId}/mappings`, { kind: 'prefix', pattern: prefix, target });
  return id;
}

const roleOf = async (owner: Person, templateId: string, userId: string): Promise<string | null> =>
  (await owner.call<{ role: string | null }>('GET', `/templates/${templateId}/access?userId=${userId}`)).role;

/** @throws Error when one of those provisioned may not use the template that their groups' name gives */
export async function expectAccess(owner: Person, templateId: string, users: readonly string[]): Promise<void> {
  const every = Math.max(1, Math.floor(users.length / 50));
  for (const user of users.filter((_, at) => at % every === 0))
    if ((await roleOf(owner, templateId, user)) !== 'use') throw new Error(`${user} may not use the template of their group`);
}

/** What gives a template to a group: its list, which names the group, or a mapping, which goes by its name. */
type Giver = (at: number) => Promise<{ groupId: string; templateId: string }>;

async function byList(owner: Person, directory: Directory): Promise<Giver> {
  const groupId = (await directory.createGroup('bench-listed')).body.id;
  const templateId = await templateOf(owner, 'listed');
  const items = [{ subject: { type: 'group', id: groupId }, role: 'use', expiresAt: null }];
  await owner.call('PUT', `/templates/${templateId}/acl`, { items }, { 'If-Match': '"1"' });
  return async () => ({ groupId, templateId });
}

async function byMapping(owner: Person, directory: Directory, providerId: string): Promise<Giver> {
  const templateId = await mapPrefix(owner, providerId, 'bench-later-');
  return async (at) => ({ groupId: (await directory.createGroup(`bench-later-${at}`)).body.id, templateId });
}

/**
 * From the start of the last push, which puts somebody into a group, until they may use the template that the group gives; and until
 * the trail has it.
 */
export async function measureCounting(
  { owner, directory, providerId }: { owner: Person; directory: Directory; providerId: string },
  add: Add,
  people: readonly string[],
): Promise<void> {
  const [list, mapping] = [await byList(owner, directory), await byMapping(owner, directory, providerId)];
  const { id: told } = (await directory.createGroup('bench-told')).body;
  for (const [at, user] of people.entries()) {
    add('last push to access, by a template’s list', 'ms', await untilUse(owner, directory, { ...(await list(at)), user }));
    add('last push to access, by a mapping', 'ms', await untilUse(owner, directory, { ...(await mapping(at)), user }));
    add('last push to the trail', 'ms', await untilTold(owner, directory, user, told));
  }
}

async function untilUse(
  owner: Person,
  directory: Directory,
  { groupId, templateId, user }: { groupId: string; templateId: string; user: string },
): Promise<number> {
  if ((await roleOf(owner, templateId, user)) !== null) throw new Error(`${user} may use the template before`);
  const [took] = await timed(async () => {
    await directory.add(groupId, [user]);
    await until('they may use it', async () => (await roleOf(owner, templateId, user)) === 'use');
  });
  return took;
}

async function untilTold(owner: Person, directory: Directory, user: string, groupId: string): Promise<number> {
  const [took] = await timed(async () => {
    await directory.add(groupId, [user]);
    await until('the trail has it', async () => {
      const { items } = await owner.call<{ items: Array<{ diff: Array<{ path: string }> }> }>(
        'GET',
        `/audit/events?resourceId=${groupId}&order=desc&limit=1`,
      );
      return items.some(({ diff }) => diff.some(({ path }) => path.endsWith(user)));
    });
  });
  return took;
}
