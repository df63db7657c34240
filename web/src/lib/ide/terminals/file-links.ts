import type { ILink, ILinkProvider, Terminal } from '@xterm/xterm';
import { writtenLine } from './buffer-text.ts';
import { fileNamesIn, type FileName } from './file-names.ts';

/** A place that a terminal shows, and that is a file of the workspace. */
export interface FilePlace {
  path: string;
  line: number | null;
  column: number | null;
}

export interface LinkPorts {
  /** where the program worked that wrote this line */
  folderAt(line: number): string;
  /** paths of the workspace; null: no file */
  locate(from: string, names: string[]): Promise<(string | null)[]>;
  open(place: FilePlace): void;
  /** what to say about the link under the pointer; null: it left */
  hint(text: string | null): void;
}

export const placeWords = ({ path, line, column }: FilePlace): string =>
  path + (line === null ? '' : `:${line}${column === null ? '' : `:${column}`}`);

/** Files and lines in a terminal: Ctrl click opens. Only what exists is a link. */
export class FileLinks implements ILinkProvider {
  readonly #terminal: Terminal;
  readonly #ports: LinkPorts;

  constructor(terminal: Terminal, ports: LinkPorts) {
    this.#terminal = terminal;
    this.#ports = ports;
  }

  provideLinks(row: number, answer: (links: ILink[] | undefined) => void): void {
    const { text, cells } = writtenLine(this.#terminal.buffer.active, row - 1);
    const names = fileNamesIn(text);
    if (names.length === 0) return answer(undefined);
    this.#located(row - 1, names).then(
      (places) =>
        answer(
          places.flatMap(({ name: { from, to }, place }) => {
            const [start, end] = [cells[from], cells[to - 1]];
            if (start === undefined || end === undefined) return [];
            return [this.#link(text.slice(from, to), place, { x: start.x + 1, y: start.y + 1 }, { x: end.x + 1, y: end.y + 1 })];
          }),
        ),
      () => answer(undefined),
    );
  }

  /** The places in these rows that are files, the last ones first, each once. */
  async placesIn(from: number, to: number, most: number): Promise<FilePlace[]> {
    const found = new Map<string, FilePlace>();
    for (let row = to; row >= from && found.size < most; row -= 1) {
      const { buffer } = this.#terminal;
      if (buffer.active.getLine(row)?.isWrapped === true) continue;
      const names = fileNamesIn(writtenLine(buffer.active, row).text);
      if (names.length === 0) continue;
      for (const { place } of await this.#located(row, names)) found.set(placeWords(place), place);
    }
    return [...found.values()];
  }

  async #located(row: number, names: FileName[]): Promise<{ name: FileName; place: FilePlace }[]> {
    const paths = await this.#ports.locate(
      this.#ports.folderAt(row),
      names.map(({ name }) => name),
    );
    return names.flatMap((name, at) => {
      const path = paths[at] ?? null;
      return path === null ? [] : [{ name, place: { path, line: name.line, column: name.column } }];
    });
  }

  #link(text: string, place: FilePlace, start: ILink['range']['start'], end: ILink['range']['end']): ILink {
    return {
      text,
      range: { start, end },
      activate: (event) => {
        if (event.ctrlKey || event.metaKey) this.#ports.open(place);
      },
      hover: () => this.#ports.hint(`Ctrl click opens ${placeWords(place)}`),
      leave: () => this.#ports.hint(null),
    };
  }
}
