import type { GitLogEntry } from '@gatehouse/core/protocol/git-answers.ts';

/** A row of the graph: where its commit stands, and the lines that go through it, from lane to lane. */
export interface GraphRow {
  lane: number;
  /** from the top of the row to its middle, and on to its bottom */
  into: ReadonlyArray<readonly [from: number, to: number, colour: number]>;
  out: ReadonlyArray<readonly [from: number, to: number, colour: number]>;
  colour: number;
  width: number;
}

interface Lane {
  /** the commit that it leads to */
  awaits: string;
  colour: number;
}

/** Lays out commits of which children come before their parents. A lane stays where it is until its commit came. */
export function graphOf(commits: readonly Pick<GitLogEntry, 'sha' | 'parents'>[]): GraphRow[] {
  const lanes: (Lane | null)[] = [];
  let colours = 0;
  const free = () => {
    const at = lanes.indexOf(null);
    return at >= 0 ? at : lanes.length;
  };
  return commits.map(({ sha, parents }) => {
    const before = [...lanes];
    let lane = lanes.findIndex((each) => each?.awaits === sha);
    const isTip = lane < 0;
    if (isTip) lane = free();
    const colour = isTip ? colours++ : (lanes[lane]?.colour ?? 0);
    const into = before.flatMap((each, at) => (each === null ? [] : [[at, each.awaits === sha ? lane : at, each.colour] as const]));
    before.forEach((each, at) => each?.awaits === sha && (lanes[at] = null));
    lanes[lane] = null;
    const out: Array<readonly [number, number, number]> = [];
    const through = lanes.map((each, at) => (each === null ? null : ([at, at, each.colour] as const)));
    parents.forEach((parent, index) => {
      // Its first parent goes on in its own lane; two that await the same come together there.
      const known = index === 0 ? -1 : lanes.findIndex((each) => each?.awaits === parent);
      if (known >= 0) return void out.push([lane, known, lanes[known]?.colour ?? 0]);
      const to = index === 0 ? lane : free();
      const own = index === 0 ? colour : colours++;
      lanes[to] = { awaits: parent, colour: own };
      out.push([lane, to, own]);
    });
    while (lanes.length > 0 && lanes.at(-1) === null) lanes.pop();
    const all = [...through.filter((each) => each !== null), ...out];
    return { lane, colour, into, out: all, width: Math.max(lane, ...[...into, ...all].flatMap(([from, to]) => [from, to])) + 1 };
  });
}
