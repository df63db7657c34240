import type { TextQuery } from '@gatehouse/core/protocol/search.ts';
import { wordsOf } from '../connection/stream-error.ts';
import type { RemoteFiles } from '../files/remote-files.ts';
import { decodeText, encodeText } from '../editor/text-file.ts';
import { replaceIn } from './replace.ts';
import type { FoundFile } from './found-files.ts';

/** What a replacement in files came to. */
export interface Replaced {
  finds: number;
  files: number;
  /** what was left as it is, each with why */
  left: Array<{ path: string; why: string }>;
  /** puts the files back, unless somebody has changed them since */
  undo(): Promise<Array<{ path: string; why: string }>>;
}

interface Written {
  path: string;
  was: Uint8Array<ArrayBuffer>;
  etag: string;
}

/** Replaces across files, each written only if nobody changed it since it was read. */
export class Replacer {
  readonly #files: Pick<RemoteFiles, 'read' | 'write'>;
  readonly #isDirty: (path: string) => boolean;

  /** @param isDirty whether the editor has unsaved work of that file */
  constructor(files: Pick<RemoteFiles, 'read' | 'write'>, isDirty: (path: string) => boolean) {
    this.#files = files;
    this.#isDirty = isDirty;
  }

  /** @param progress is told how many files are done */
  async replace(found: readonly FoundFile[], query: TextQuery, replacement: string, progress: (files: number) => void): Promise<Replaced> {
    const written: Written[] = [];
    const left: Replaced['left'] = [];
    let finds = 0;
    for (const [index, file] of found.entries()) {
      try {
        finds += await this.#replaceOne(file, query, replacement, written, left);
      } catch (thrown) {
        left.push({ path: file.path, why: wordsOf(thrown) });
      }
      progress(index + 1);
    }
    return { finds, files: written.length, left, undo: () => this.#putBack(written) };
  }

  async #replaceOne(
    { path, hits }: FoundFile,
    query: TextQuery,
    replacement: string,
    written: Written[],
    left: Replaced['left'],
  ): Promise<number> {
    if (this.#isDirty(path)) {
      left.push({ path, why: 'It has unsaved changes in the editor' });
      return 0;
    }
    const { bytes, etag } = await this.#files.read(path);
    const was = bytes === null ? null : Uint8Array.from(bytes);
    const text = was === null ? null : decodeText(was);
    if (was === null || text === null) {
      left.push({ path, why: 'It is no text that can be edited here' });
      return 0;
    }
    const { text: next, replaced, left: stays } = replaceIn(text.text, hits, query, replacement);
    if (stays > 0) left.push({ path, why: stays === 1 ? 'One find has changed since' : `${stays} finds have changed since` });
    if (replaced === 0) return 0;
    const head = await this.#files.write(path, encodeText(next), etag);
    written.push({ path, was, etag: head.etag });
    return replaced;
  }

  async #putBack(written: readonly Written[]): Promise<Replaced['left']> {
    const left: Replaced['left'] = [];
    for (const { path, was, etag } of written) {
      await this.#files.write(path, was, etag).catch((thrown: unknown) => left.push({ path, why: wordsOf(thrown) }));
    }
    return left;
  }
}
