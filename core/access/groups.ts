/** Groups in groups: a graph without circles. The Worker's SQL guards it; these functions say which circle, and which way. */

/** The group holds the member, which is a group too. */
export interface GroupEdge {
  groupId: string;
  memberId: string;
}

/**
 * The circle that `member` in `group` would close, as the groups on it: each holds the next, and the last is the first.
 * Null when it closes none.
 */
export function circleOf(group: string, member: string, edges: readonly GroupEdge[]): string[] | null {
  const members = byGroup(edges);
  const cameFrom = new Map<string, string | null>([[member, null]]);
  const queue = [member];
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    if (next === group) {
      const way: string[] = [];
      for (let at: string | null = next; at !== null; at = cameFrom.get(at) ?? null) way.unshift(at);
      return [group, ...way];
    }
    for (const id of members.get(next) ?? []) {
      if (cameFrom.has(id)) continue;
      cameFrom.set(id, next);
      queue.push(id);
    }
  }
  return null;
}

/** The ways from one group down to others, each as all the groups on it, at most `max`. A group that is an end itself is a way, too. */
export function waysDown(from: string, ends: ReadonlySet<string>, edges: readonly GroupEdge[], max: number): string[][] {
  // Without what leads nowhere each step down finds a way: their number may be huge, the work is not.
  const members = byGroup(edgesBetween(from, ends, edges));
  const found: string[][] = [];
  const stack = [[from]];
  for (let way = stack.pop(); way !== undefined && found.length < max; way = stack.pop()) {
    const last = way.at(-1) ?? from;
    if (ends.has(last)) found.push(way);
    for (const id of members.get(last) ?? []) if (!way.includes(id)) stack.push([...way, id]);
  }
  return found;
}

/** This group and every group that holds it, however deep. */
export const ancestors = (groupId: string, edges: readonly GroupEdge[]): Set<string> => reach([groupId], reversed(edges));

/** These groups and every group inside them. */
export const descendants = (groupIds: readonly string[], edges: readonly GroupEdge[]): Set<string> => reach(groupIds, edges);

const reversed = (edges: readonly GroupEdge[]): GroupEdge[] =>
  edges.map(({ groupId, memberId }) => ({ groupId: memberId, memberId: groupId }));

/** The edges on ways from `from` down to one of `ends`. */
function edgesBetween(from: string, ends: ReadonlySet<string>, edges: readonly GroupEdge[]): GroupEdge[] {
  const below = reach([from], edges);
  const above = reach([...ends], reversed(edges));
  return edges.filter(({ groupId, memberId }) => below.has(groupId) && above.has(memberId));
}

/** Everything that is reached from these, themselves too. */
function reach(from: readonly string[], edges: readonly GroupEdge[]): Set<string> {
  const next = byGroup(edges);
  const found = new Set(from);
  const queue = [...from];
  for (let id = queue.pop(); id !== undefined; id = queue.pop()) {
    for (const each of next.get(id) ?? []) {
      if (found.has(each)) continue;
      found.add(each);
      queue.push(each);
    }
  }
  return found;
}

function byGroup(edges: readonly GroupEdge[]): Map<string, string[]> {
  const members = new Map<string, string[]>();
  for (const { groupId, memberId } of edges) {
    const known = members.get(groupId);
    if (known) known.push(memberId);
    else members.set(groupId, [memberId]);
  }
  return members;
}
