import { wordsOf } from '../connection/stream-error.ts';
import type { OpenDocument } from '../editor/document.svelte.ts';
import { decodeText, encodeText } from '../editor/text-file.ts';
import type { RemoteFiles } from '../files/remote-files.ts';
import { edited } from './positions.ts';
import type { TextEdit, WorkspaceEdit } from './schemas.ts';
import { pathOf } from './uris.ts';

/** Of one change across files. */
const MOST_FILES = 1000;

/** A change of one file, thought out and not made yet. */
export interface PlannedEdit {
  path: string;
  edits: readonly TextEdit[];
  before: string;
  after: string;
  /** in an editor; null: on disk alone */
  document: OpenDocument | null;
  etag: string | null;
}

export interface AppliedEdits {
  files: number;
  /** how many of them are open, and not saved yet */
  unsaved: number;
  /** puts back what nobody has changed since. @returns what was left, each with why */
  undo(): Promise<{ path: string; why: string }[]>;
}

export interface EditPorts {
  files: Pick<RemoteFiles, 'read' | 'write'>;
  /** of the workspace, as its programs see it */
  root(): string;
  find(path: string): OpenDocument | undefined;
  /** Changes the text of a file that is open, so that its own undo knows it. */
  change(document: OpenDocument, edits: readonly TextEdit[], after: string): void;
}

/** Makes changes that a language server asks for: in editors where files are open, else on disk; all of them or none. */
export class EditApplier {
  readonly #ports: EditPorts;

  constructor(ports: EditPorts) {
    this.#ports = ports;
  }

  /** Thinks a change out, without making it. @throws Error with why it can't be made */
  async plan(edit: WorkspaceEdit): Promise<PlannedEdit[]> {
    const files = [...edit].filter(([, edits]) => edits.length > 0);
    if (files.length > MOST_FILES) throw new Error(`It would change ${files.length} files; at most ${MOST_FILES} are changed at once`);
    return Promise.all(files.map(([uri, edits]) => this.#planOne(uri, edits)));
  }

  /** @throws Error with why nothing was changed */
  async apply(plan: readonly PlannedEdit[]): Promise<AppliedEdits> {
    for (const { document, before, path } of plan)
      if (document !== null && !document.buffer.holds(before)) throw new Error(`“${path}” has changed meanwhile. Try again.`);
    const written: { planned: PlannedEdit; etag: string }[] = [];
    for (const planned of plan.filter(({ document }) => document === null)) {
      try {
        const { etag } = await this.#ports.files.write(planned.path, encodeText(planned.after), planned.etag);
        written.push({ planned, etag });
      } catch (thrown) {
        const left = await this.#putBack(written);
        const rest = left.length === 0 ? 'Nothing was changed.' : `Changed all the same: ${left.map(({ path }) => path).join(', ')}.`;
        throw new Error(`“${planned.path}” could not be written. ${wordsOf(thrown)} ${rest}`, { cause: thrown });
      }
    }
    const open = plan.flatMap(({ document, ...planned }) => (document === null ? [] : [{ ...planned, document }]));
    for (const { document, edits, after } of open) this.#ports.change(document, edits, after);
    return {
      files: plan.length,
      unsaved: open.length,
      undo: async () => {
        const left: { path: string; why: string }[] = [];
        for (const { document, before, after, path } of open) {
          if (document.buffer.holds(after)) document.buffer.replace(before);
          else left.push({ path, why: 'It has changed since' });
        }
        return [...left, ...(await this.#putBack(written))];
      },
    };
  }

  async #planOne(uri: string, edits: readonly TextEdit[]): Promise<PlannedEdit> {
    const path = pathOf(this.#ports.root(), uri);
    if (path === null) throw new Error('It would change files outside the workspace');
    const document = this.#ports.find(path);
    if (document?.state === 'ready') {
      const before = document.buffer.read();
      return { path, edits, before, after: edited(before, edits), document, etag: null };
    }
    const { bytes, etag } = await this.#ports.files.read(path);
    const text = bytes === null ? null : decodeText(Uint8Array.from(bytes));
    if (text === null) throw new Error(`“${path}” is no text that can be changed here`);
    return { path, edits, before: text.text, after: edited(text.text, edits), document: null, etag };
  }

  async #putBack(written: readonly { planned: PlannedEdit; etag: string }[]): Promise<{ path: string; why: string }[]> {
    const left: { path: string; why: string }[] = [];
    for (const { planned, etag } of written)
      await this.#ports.files
        .write(planned.path, encodeText(planned.before), etag)
        .catch((thrown: unknown) => left.push({ path: planned.path, why: wordsOf(thrown) }));
    return left;
  }
}
