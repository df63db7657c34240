import { MEMBERS_AT_ONCE, type AddedMember, type MemberRef } from '@gatehouse/core/api/groups.ts';
import * as groups from '#lib/api/groups.ts';

/**
 * Adds or removes any number of members, as many requests as that takes, one after the other. What went before a refusal stands.
 * @param done told how many are through
 */
export async function changeMany(
  groupId: string,
  what: 'add' | 'remove',
  refs: readonly AddedMember[],
  done: (count: number) => void,
): Promise<void> {
  for (let from = 0; from < refs.length; from += MEMBERS_AT_ONCE) {
    const part = refs.slice(from, from + MEMBERS_AT_ONCE);
    await groups.changeMembers(
      groupId,
      what === 'add' ? { add: part } : { remove: part.map(({ type, id }) => ({ type, id }) as MemberRef) },
    );
    done(from + part.length);
  }
}
