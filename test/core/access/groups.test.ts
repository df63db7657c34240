import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { circleOf, waysDown, type GroupEdge } from '../../../core/access/groups.ts';

const edges = (...pairs: string[]): GroupEdge[] =>
  pairs.map((pair) => {
    const [groupId = '', memberId = ''] = pair.split('>');
    return { groupId, memberId };
  });

/** Slow and obvious: whether following members from somewhere ever leads back there. */
function hasCircle(graph: readonly GroupEdge[]): boolean {
  const leadsBack = (start: string, at: string, seen: readonly string[]): boolean =>
    graph
      .filter(({ groupId }) => groupId === at)
      .some(({ memberId }) => memberId === start || (!seen.includes(memberId) && leadsBack(start, memberId, [...seen, memberId])));
  return graph.some(({ groupId }) => leadsBack(groupId, groupId, []));
}

const someEdge = fc.record({ groupId: fc.constantFrom(...'abcdef'), memberId: fc.constantFrom(...'abcdef') });

describe('a circle of groups', () => {
  test('is named from the group round to itself', () => {
    expect(circleOf('Platform', 'Devs', edges('Devs>Platform'))).toEqual(['Platform', 'Devs', 'Platform']);
    expect(circleOf('a', 'b', edges('b>c', 'c>d', 'd>a', 'b>e'))).toEqual(['a', 'b', 'c', 'd', 'a']);
    expect(circleOf('a', 'a', [])).toEqual(['a', 'a']);
    expect(circleOf('a', 'b', edges('a>c', 'c>b'))).toBeNull();
  });

  test('never closes, whatever is added in whatever order, and nothing is refused without one', () => {
    fc.assert(
      fc.property(fc.array(someEdge, { maxLength: 30 }), (wanted) => {
        const graph: GroupEdge[] = [];
        for (const edge of wanted) {
          const circle = circleOf(edge.groupId, edge.memberId, graph);
          expect(circle !== null).toBe(hasCircle([...graph, edge]));
          if (circle === null) graph.push(edge);
          else
            for (const [at, groupId] of circle.slice(0, -1).entries())
              expect([...graph, edge]).toContainEqual({ groupId, memberId: circle[at + 1] });
        }
        expect(hasCircle(graph)).toBe(false);
      }),
    );
  });
});

describe('ways down', () => {
  test('are all of them where they are few', () => {
    const graph = edges('a>b', 'a>c', 'b>d', 'c>d', 'a>x', 'x>y');
    const ways = waysDown('a', new Set(['d']), graph, 5).map((way) => way.join(''));
    expect(ways.sort()).toEqual(['abd', 'acd']);
    expect(waysDown('a', new Set(['q']), graph, 5)).toEqual([]);
  });

  test('are at most as many as asked for, quickly, where they are a million', () => {
    const ladder = Array.from({ length: 20 }, (_, at) =>
      edges(`${at}>l${at}`, `${at}>r${at}`, `l${at}>${at + 1}`, `r${at}>${at + 1}`),
    ).flat();
    const dead = Array.from({ length: 20 }, (_, at) => edges(`${at}>p${at}`, `p${at}>q${at}`)).flat();
    expect(waysDown('0', new Set(['20']), [...ladder, ...dead], 5)).toHaveLength(5);
  });

  test('follow members, end where they should, and are found whenever one can get there', () => {
    fc.assert(
      fc.property(fc.array(someEdge, { maxLength: 20 }), (wanted) => {
        const graph: GroupEdge[] = [];
        for (const edge of wanted) if (circleOf(edge.groupId, edge.memberId, graph) === null) graph.push(edge);
        for (const end of 'bcdef') {
          const ways = waysDown('a', new Set([end]), graph, 3);
          for (const way of ways) {
            expect([way[0], way.at(-1)]).toEqual(['a', end]);
            for (const [at, groupId] of way.slice(0, -1).entries()) expect(graph).toContainEqual({ groupId, memberId: way[at + 1] });
          }
          expect(ways.length > 0).toBe(circleOf(end, 'a', graph) !== null);
        }
      }),
    );
  });
});
