import type { LineEdit } from '@gatehouse/core/protocol/git.ts';
import { wordsOf } from '../connection/stream-error.ts';
import { nameOf } from '../files/paths.ts';
import { hunksOf, partOf, type DiffLine, type Hunk } from './diff.ts';
import { coloursOf } from './highlight.ts';
import type { FileSide } from './remote-git.ts';
import type { Comparison } from './compared.ts';

const NOTHING: FileSide = { text: null, version: 'absent', why: 'absent' };
const EVERYTHING = 1_000_000;

/** A line as it is drawn, and the hunk it is of. */
export interface Drawn {
  line: DiffLine;
  hunk: number;
}
type Colours = Awaited<ReturnType<typeof coloursOf>>;

/** What two sides of a file differ in, and which lines of it somebody has selected. */
export class ComparisonState {
  readonly of: Comparison;
  old = $state.raw<FileSide | null>(null);
  new = $state.raw<FileSide | null>(null);
  error = $state<string | null>(null);
  /** everything, not only what is around changes */
  whole = $state(false);
  /** of the lines: the one with the keyboard, and the other end of what is selected */
  at = $state(0);
  anchor = $state<number | null>(null);
  #coloursOfOld = $state.raw<Colours>(null);
  #coloursOfNew = $state.raw<Colours>(null);

  readonly #cut = $derived(hunksOf(this.old?.text ?? '', this.new?.text ?? '', this.whole ? EVERYTHING : undefined));
  readonly hunks: readonly Hunk[] = $derived(this.#cut.hunks);
  readonly hiddenAtEnd: number = $derived(this.#cut.hiddenAtEnd);
  readonly lines: readonly Drawn[] = $derived(this.hunks.flatMap(({ lines }, hunk) => lines.map((line) => ({ line, hunk }))));
  /** why there are no lines to show; null: there are */
  readonly why = $derived([this.old?.why, this.new?.why].find((why) => why !== undefined && why !== null && why !== 'absent') ?? null);

  constructor(of: Comparison) {
    this.of = of;
  }

  async load(): Promise<void> {
    const { repository, path, old, new: fresh } = this.of;
    const { remote, folder } = repository;
    try {
      const [before, after] = await Promise.all([
        old === null ? NOTHING : remote.show(folder, old.path, old.at, old.commit),
        remote.show(folder, path, fresh.at, fresh.commit),
      ]);
      if (before.version === this.old?.version && after.version === this.new?.version) return;
      const isFirst = this.new === null;
      [this.old, this.new, this.error] = [before, after, null];
      const first = this.lines.findIndex(({ line }) => line.kind !== 'same');
      this.at = Math.max(0, isFirst ? first : Math.min(this.at, this.lines.length - 1));
      this.anchor = null;
      void this.#colour(before.text ?? '', after.text ?? '');
    } catch (thrown) {
      this.error = wordsOf(thrown);
    }
  }

  coloursAt({ kind, old, new: fresh }: DiffLine) {
    return (kind === 'old' ? this.#coloursOfOld?.[(old ?? 1) - 1] : this.#coloursOfNew?.[(fresh ?? 1) - 1]) ?? [];
  }

  isSelected(index: number): boolean {
    return this.anchor !== null && index >= Math.min(this.anchor, this.at) && index <= Math.max(this.anchor, this.at);
  }

  /** changed lines that are selected */
  readonly selected: number = $derived(
    this.anchor === null ? 0 : this.lines.filter(({ line }, index) => line.kind !== 'same' && this.isSelected(index)).length,
  );

  /** What is to be taken: the lines that are selected, or else the whole hunk. */
  editsAt(hunk: number): LineEdit[] {
    if (this.selected === 0) return this.hunks[hunk]?.edits ?? [];
    const chosen = this.lines.filter((_, index) => this.isSelected(index)).map(({ line }) => line);
    const goes = chosen.flatMap(({ kind, old }) => (kind === 'old' ? [old] : []));
    const comes = chosen.flatMap(({ kind, new: fresh }) => (kind === 'new' ? [fresh] : []));
    return this.hunks.flatMap(({ edits }) =>
      edits.flatMap((edit) =>
        partOf(
          edit,
          (line) => goes.includes(line),
          (line) => comes.includes(line),
        ),
      ),
    );
  }

  /** Goes to the first changed line of the next hunk, around the end. */
  goToHunk(step: 1 | -1): void {
    const now = this.lines[this.at]?.hunk ?? 0;
    const to = (now + step + this.hunks.length) % Math.max(1, this.hunks.length);
    this.anchor = null;
    this.at = Math.max(
      0,
      this.lines.findIndex(({ hunk, line }) => hunk === to && line.kind !== 'same'),
    );
  }

  async #colour(before: string, after: string): Promise<void> {
    const name = nameOf(this.of.path);
    const [old, fresh] = await Promise.all([coloursOf(name, before), coloursOf(name, after)]);
    if (this.old?.text === before || this.old?.text === null) this.#coloursOfOld = old;
    if (this.new?.text === after || this.new?.text === null) this.#coloursOfNew = fresh;
  }
}
