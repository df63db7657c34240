/** A conflict as git writes it into a file. Lines count from 0; `to` is behind the last marker. */
export interface Conflict {
  from: number;
  to: number;
  /** lines of each side; `base` null: git did not say what was there before */
  ours: [number, number];
  base: [number, number] | null;
  theirs: [number, number];
  /** as the markers name them */
  names: { ours: string; theirs: string };
}

const MARKER = /^(<{7}|\|{7}|={7}|>{7})(?: (.*))?$/;

/** The conflicts of a text, in order. What is no whole conflict is none. */
export function conflictsIn(lines: readonly string[]): Conflict[] {
  const conflicts: Conflict[] = [];
  let open: { from: number; base: number | null; middle: number | null; ours: string } | null = null;
  lines.forEach((line, at) => {
    const [, marker, name = ''] = MARKER.exec(line) ?? [];
    const kind = marker?.[0];
    if (kind === '<') open = { from: at, base: null, middle: null, ours: name };
    if (open === null || kind === undefined) return;
    if (kind === '|' && open.middle === null) open.base ??= at;
    else if (kind === '=') open.middle ??= at;
    else if (kind === '>' && open.middle !== null) {
      conflicts.push({
        ...{ from: open.from, to: at + 1, ours: [open.from + 1, open.base ?? open.middle] },
        ...{ base: open.base === null ? null : [open.base + 1, open.middle], theirs: [open.middle + 1, at] },
        names: { ours: open.ours, theirs: name },
      });
      open = null;
    }
  });
  return conflicts;
}

export const TAKES = ['ours', 'theirs', 'both', 'base'] as const;
export type Take = (typeof TAKES)[number];

/** The lines that take a conflict's place. */
export function taken(lines: readonly string[], conflict: Conflict, take: Take): string[] {
  const { ours, theirs, base } = conflict;
  const of = (range: [number, number] | null) => (range === null ? [] : lines.slice(...range));
  return { ours: of(ours), theirs: of(theirs), both: [...of(ours), ...of(theirs)], base: of(base) }[take];
}
