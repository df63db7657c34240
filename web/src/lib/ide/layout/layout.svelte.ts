export const PARTS = ['files', 'editor', 'terminals'] as const;
export type Part = (typeof PARTS)[number];

export const SIDES = ['files', 'search'] as const;
export type Side = (typeof SIDES)[number];

export const BOTTOMS = ['terminals', 'problems', 'references'] as const;
export type Bottom = (typeof BOTTOMS)[number];

/** What of a pane the layout moves; paneforge's panes have it. */
export interface PaneHandle {
  collapse(): void;
  expand(): void;
}

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

  /** Brings a part in sight. */
  show(part: Part): void {
    this.part = part;
    if (part !== 'editor') this[part]?.expand();
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
