import type { Ide } from '../ide.svelte.ts';
import type { DocumentSymbol } from './schemas.ts';
import { symbolKind } from './symbol-kinds.ts';
import { isThere } from './there.ts';
import { pathOf } from './uris.ts';

export interface FoundSymbol {
  name: string;
  kind: string;
  where: string;
  /** how deep it stands in others */
  depth: number;
  go(): void;
}

/** After the last key: each question goes to the servers. */
const ASK_MS = 150;
const MOST = 200;

/** Looks for symbols in quick open: `@` in the file in sight, `#` in the workspace. */
export class SymbolSearch {
  readonly #ide: Ide;
  active = $state(false);
  words = $state('');
  found = $state.raw<readonly FoundSymbol[]>([]);
  #inFile: Promise<FoundSymbol[]> | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #asked = 0;

  constructor(ide: Ide) {
    this.#ide = ide;
  }

  /** Takes what stands in the field. */
  look(query: string): void {
    const [kind, name] = [query[0] ?? '', query.slice(1).trim()];
    clearTimeout(this.#timer);
    const asked = ++this.#asked;
    this.active = kind === '@' || kind === '#';
    if (!this.active) return void (this.found = []);
    this.words = 'Looking for symbols …';
    const take = (work: Promise<FoundSymbol[]>, nothing: string): void =>
      void work.then(
        (found) => asked === this.#asked && this.#take(found, nothing),
        () => asked === this.#asked && this.#take([], 'The language server did not answer'),
      );
    if (kind === '@') {
      this.#inFile ??= this.#fileSymbols();
      return take(
        this.#inFile.then((all) => matching(all, name)),
        'No symbol of this file is called that',
      );
    }
    if (name === '') return this.#take([], 'Type a part of a name');
    this.#timer = setTimeout(() => take(this.#workspaceSymbols(name), 'No symbol of the projects that are open is called that'), ASK_MS);
  }

  #take(found: readonly FoundSymbol[], nothing: string): void {
    this.found = found.slice(0, MOST);
    this.words = nothing;
  }

  async #fileSymbols(): Promise<FoundSymbol[]> {
    const features = await this.#ide.loadFeatures();
    const path = this.#ide.documents.active?.path;
    const flat = (symbols: readonly DocumentSymbol[], depth: number): FoundSymbol[] =>
      symbols.flatMap(({ name, kind, at: { start }, detail, children }) => [
        {
          ...{ name, kind: symbolKind(kind), where: detail === '' ? `line ${start.line + 1}` : detail, depth },
          go: () => path !== undefined && this.#ide.openFile(path, { line: start.line + 1, from: start.character, to: start.character }),
        },
        ...flat(children, depth + 1),
      ]);
    return flat(await features.documentSymbols(), 0);
  }

  async #workspaceSymbols(query: string): Promise<FoundSymbol[]> {
    const features = await this.#ide.loadFeatures();
    const root = this.#ide.hello?.root ?? '';
    return (await features.workspaceSymbols(query)).map(({ name, kind, containerName, location: { uri, range } }) => ({
      ...{ name, kind: symbolKind(kind), depth: 0 },
      where: [containerName, pathOf(root, uri)].filter((part) => isThere(part) && part !== '').join(', '),
      go: () => features.open({ uri, range: range ?? { start: { line: 0, character: 0 }, end: { line: 0, character: 0 } } }),
    }));
  }
}

/** Those whose name has these letters in their order, in the order of the file. */
function matching(all: readonly FoundSymbol[], name: string): FoundSymbol[] {
  const letters = [...name.toLowerCase()];
  return all.filter(({ name: other }) => {
    const text = other.toLowerCase();
    let from = 0;
    return letters.every((letter) => (from = text.indexOf(letter, from) + 1) > 0);
  });
}
