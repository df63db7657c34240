import { isWithin, parentOf } from './paths.ts';
import type { FileTree, TreeRow } from './tree.svelte.ts';

/** a folder that something is held over opens */
const OPENS_AFTER = 600;
/** Only this page knows what is meant: nothing can be dragged out of it. */
const OWN = 'application/x-gatehouse-files';

export interface DragPorts {
  /** @param copies whether the originals stay */
  put(paths: readonly string[], folder: string, copies: boolean): void;
  /** files of the person's own machine */
  upload(transfer: DataTransfer, folder: string): void;
  /** why nothing may be dropped here; null: it may */
  refusal(files: boolean): string | null;
}

/** What is dragged over the tree, and where it would go. */
export class TreeDrag {
  readonly #tree: FileTree;
  readonly #ports: DragPorts;
  /** the folder it would go into; null: nothing is over the tree */
  over = $state<string | null>(null);
  paths = $state.raw<readonly string[]>([]);
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(tree: FileTree, ports: DragPorts) {
    this.#tree = tree;
    this.#ports = ports;
  }

  start(event: DragEvent, paths: readonly string[]): void {
    if (event.dataTransfer === null) return;
    this.paths = paths;
    event.dataTransfer.setData(OWN, '1');
    event.dataTransfer.effectAllowed = 'copyMove';
  }

  /** @param row the line under the pointer; null: below all of them */
  hover(event: DragEvent, row: TreeRow | null): void {
    const { dataTransfer } = event;
    if (dataTransfer === null) return;
    const files = dataTransfer.types.includes('Files');
    if ((!files && !dataTransfer.types.includes(OWN)) || this.#ports.refusal(files) !== null) return;
    const folder = row === null ? '' : row.expanded === null ? parentOf(row.path) : row.path;
    if (!files && !event.ctrlKey && this.#staysPut(folder)) return this.#leave();
    if (!files && this.paths.some((path) => isWithin(folder, path))) return this.#leave();
    event.preventDefault();
    dataTransfer.dropEffect = files || event.ctrlKey ? 'copy' : 'move';
    if (this.over === folder) return;
    this.#leave();
    this.over = folder;
    if (row?.expanded === false) this.#timer = setTimeout(() => void this.#tree.expand(row.path), OPENS_AFTER);
  }

  drop(event: DragEvent): void {
    const folder = this.over;
    const { dataTransfer } = event;
    if (folder === null || dataTransfer === null) return this.end();
    event.preventDefault();
    if (dataTransfer.types.includes('Files')) this.#ports.upload(dataTransfer, folder);
    else this.#ports.put(this.paths, folder, event.ctrlKey);
    this.end();
  }

  /** The pointer is elsewhere. */
  left(): void {
    this.#leave();
  }

  end(): void {
    this.#leave();
    this.paths = [];
  }

  #staysPut(folder: string): boolean {
    return this.paths.every((path) => parentOf(path) === folder);
  }

  #leave(): void {
    clearTimeout(this.#timer);
    this.over = null;
  }
}
