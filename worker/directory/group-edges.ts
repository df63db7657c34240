import { z } from 'zod';
import { waysDown, type GroupEdge } from '@gatehouse/core/access/groups.ts';

/** One group in another, until then. */
export interface EndingEdge extends GroupEdge {
  expiresAt: string | null;
}

export const edgeColumns = { group_id: z.string(), member_id: z.string(), expires_at: z.string().nullable() };
const edgeRow = z.object(edgeColumns);

export const edgeOf = (row: Record<string, unknown>): EndingEdge => {
  const { group_id, member_id, expires_at } = edgeRow.parse(row);
  return { groupId: group_id, memberId: member_id, expiresAt: expires_at };
};

/**
 * The ways from a group down to those that hold somebody, each with the groups on it and the earliest end along it.
 * @param holders the groups that hold them themselves, and until when
 */
export function waysTo(
  from: string,
  holders: ReadonlyMap<string, string | null>,
  edges: readonly EndingEdge[],
  max: number,
): Array<{ groups: string[]; expiresAt: string | null }> {
  const ends = new Map(edges.map(({ groupId, memberId, expiresAt }) => [`${groupId} ${memberId}`, expiresAt]));
  return waysDown(from, new Set(holders.keys()), edges, max).map((groups) => {
    const steps = groups.slice(1).map((id, at) => ends.get(`${groups[at] ?? ''} ${id}`) ?? null);
    return { groups, expiresAt: earliest([...steps, holders.get(groups.at(-1) ?? '') ?? null]) };
  });
}

const earliest = (ends: ReadonlyArray<string | null>): string | null => ends.filter((end) => end !== null).sort()[0] ?? null;
