import type { EditorGroup } from './group.svelte.ts';
import type { EditorTab } from './tab.svelte.ts';

/** Where in a group a dragged tab would come. */
export type Zone = 'into' | 'right' | 'below';

/** near an edge, as a part of the whole: makes a group there */
const EDGE = 0.25;

/** Where tabs are moved. */
interface Groups {
  split(direction: 'right' | 'below', from: EditorGroup, tab: EditorTab | null): EditorGroup | null;
  move(tab: EditorTab, from: EditorGroup, to: EditorGroup, at?: number): void;
}

/** A tab of the workbench that is dragged with the pointer. */
export class TabDrag {
  readonly #workbench: Groups;
  dragged = $state.raw<{ tab: EditorTab; group: EditorGroup } | null>(null);

  constructor(workbench: Groups) {
    this.#workbench = workbench;
  }

  start(event: DragEvent, tab: EditorTab, group: EditorGroup): void {
    // Firefox drags nothing without data; the tab itself stays in the page
    event.dataTransfer?.setData('text/x-gatehouse-tab', tab.title);
    if (event.dataTransfer !== null) event.dataTransfer.effectAllowed = 'move';
    this.dragged = { tab, group };
  }

  end(): void {
    this.dragged = null;
  }

  zone(event: DragEvent, area: Element): Zone {
    const { right, bottom, width, height } = area.getBoundingClientRect();
    if (right - event.clientX < width * EDGE) return 'right';
    return bottom - event.clientY < height * EDGE ? 'below' : 'into';
  }

  /** @param at where among the tabs of the group; left out: after the one in sight */
  drop(to: EditorGroup, zone: Zone, at?: number): void {
    const { dragged } = this;
    this.dragged = null;
    if (dragged === null) return;
    const { tab, group } = dragged;
    const made = zone === 'into' ? null : this.#workbench.split(zone, to, null);
    this.#workbench.move(tab, group, made ?? to, at);
  }
}
