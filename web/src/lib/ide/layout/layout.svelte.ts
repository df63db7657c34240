export const PARTS = ['files', 'editor', 'terminals'] as const;
export type Part = (typeof PARTS)[number];

export const SIDES = ['files', 'search', 'git'] as const;
export type Side = (typeof SIDES)[number];

export const BOTTOMS = ['terminals', 'problems', 'references'] as const;
export type Bottom = (typeof BOTTOMS)[number];

/** What of a pane the layout moves; paneforge's panes have it. */
export interface PaneHandle {
  collapse(): void;
  expand(): void;
  /** @param size percent of what there is */
  resize?(size: number): void;
  getSize?(): number;
}

/** percent of the height that the terminals have at first, and at most */
const [USUAL, MOST] = [36, 90];

/** Which parts are in sight: all side by side, or on a narrow screen one at a time. */
export class Layout {
  /** what stands where the files are */
  side = $state<Side>('files');
  /** what stands where the terminals are */
  bottom = $state<Bottom>('terminals');
  /** the part in sight where there is room for one only */
  part = $state<Part>('terminals');
  filesOpen = $state(true);
  terminalsOpen = $state(true);
  files: PaneHandle | null = null;
  terminals: PaneHandle | null = null;
  /** whether the terminals have all the height that they can have */
  maximised = $state(false);
  #before = USUAL;

  /** Brings a part in sight. */
  show(part: Part): void {
    this.part = part;
    if (part !== 'editor') this[part]?.expand();
  }

  /** Gives the terminals all the height, or the one that they had. */
  maximise(): void {
    this.show('terminals');
    this.maximised = !this.maximised;
    if (this.maximised) this.#before = this.terminals?.getSize?.() ?? USUAL;
    this.terminals?.resize?.(this.maximised ? MOST : this.#before);
  }

  showSide(side: Side): void {
    this.side = side;
    this.show('files');
  }

  showBottom(bottom: Bottom): void {
    this.bottom = bottom;
    this.show('terminals');
  }

  toggle(part: 'files' | 'terminals'): void {
    const open = part === 'files' ? this.filesOpen : this.terminalsOpen;
    if (open) this[part]?.collapse();
    else this.show(part);
  }
}
