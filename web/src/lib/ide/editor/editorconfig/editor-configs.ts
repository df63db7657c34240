import { isWithin, nameOf, parentOf } from '../../files/paths.ts';
import type { RemoteFiles } from '../../files/remote-files.ts';
import { type FileStyle, NO_STYLE } from '../file-style.ts';
import { decodeText } from '../text-file.ts';
import type { EditorConfig } from './parse.ts';

const NAME = '.editorconfig';
/** A larger one is nobody's settings. */
const MOST_BYTES = 256 * 1024;

/** The `.editorconfig` files of a workspace, each read once until it changes. */
export class EditorConfigs {
  readonly #files: Pick<RemoteFiles, 'read'>;
  readonly #known = new Map<string, Promise<EditorConfig | null>>();

  constructor(files: Pick<RemoteFiles, 'read'>) {
    this.#files = files;
  }

  /** What the project asks of a file. Never rejects: what can't be read asks for nothing. */
  async styleOf(path: string): Promise<FileStyle> {
    const folders: string[] = [];
    for (let folder = parentOf(path); ; folder = parentOf(folder)) {
      folders.push(folder);
      if (folder === '') break;
    }
    const found = await Promise.all(folders.map(async (folder) => ({ folder, config: await this.#of(folder) })));
    const root = found.findIndex(({ config }) => config?.root === true);
    const used = found.slice(0, root === -1 ? undefined : root + 1).filter(({ config }) => config !== null);
    if (used.length === 0) return NO_STYLE;
    const { styleFrom } = await import('./parse.ts');
    used.reverse();
    return styleFrom(
      used.flatMap(({ config }) => config ?? []),
      used.map(({ folder }) => (folder === '' ? path : path.slice(folder.length + 1))),
    );
  }

  /** @param paths that changed; null: all of them may have. @returns whether styles may be others now */
  changed(paths: readonly string[] | null): boolean {
    const before = this.#known.size;
    const touched = (folder: string): boolean =>
      paths === null ||
      paths.some((path) => (nameOf(path) === NAME && parentOf(path) === folder) || (folder !== '' && isWithin(folder, path)));
    for (const folder of [...this.#known.keys()]) if (touched(folder)) this.#known.delete(folder);
    return this.#known.size < before;
  }

  #of(folder: string): Promise<EditorConfig | null> {
    const known = this.#known.get(folder) ?? this.#read(folder === '' ? NAME : `${folder}/${NAME}`);
    this.#known.set(folder, known);
    return known;
  }

  async #read(path: string): Promise<EditorConfig | null> {
    try {
      const { bytes } = await this.#files.read(path);
      const text = bytes === null || bytes.byteLength > MOST_BYTES ? null : decodeText(bytes);
      if (text === null) return null;
      const { parseEditorConfig } = await import('./parse.ts');
      return parseEditorConfig(text.text);
    } catch {
      return null;
    }
  }
}
