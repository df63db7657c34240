import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { PtyInfo } from '@gatehouse/core/protocol/services.ts';
import { terminalTraits } from '@gatehouse/core/protocol/terminals.ts';
import { z } from 'zod';
import { writeAtomically } from '../state/atomic-file.ts';

/** lost terminals that are kept, the newest */
const MOST_LOST = 16;

const remembered = z.object({
  terminalId: z.string(),
  name: z.string(),
  cols: z.number().int(),
  rows: z.number().int(),
  ...terminalTraits,
  /** why its programs are gone, for a person to read; null: they run */
  lost: z.string().nullable(),
});
export type Remembered = z.infer<typeof remembered>;

/**
 * What is kept on disk of the terminals of one sandbox, and of those lost before, so that a page can be told of them.
 * Once it is said how the sandbox ended, nothing changes that.
 */
export class TerminalMemory {
  readonly #path: string;
  #all: Remembered[] = [];
  #final = false;

  /** A damaged file is as good as none: it only says what is gone. */
  constructor(folder: string) {
    this.#path = join(folder, 'terminals.json');
    try {
      if (existsSync(this.#path)) this.#all = z.array(remembered).parse(JSON.parse(readFileSync(this.#path, 'utf8')));
    } catch {
      rmSync(this.#path);
    }
  }

  get lost(): Remembered[] {
    return this.#all.filter(({ lost }) => lost !== null);
  }

  /** Takes the terminals as they are now: those that run, and those that were lost. */
  keep(terminals: PtyInfo[]): void {
    if (this.#final) return;
    this.#all = terminals.flatMap(({ terminalId, name, cols, rows, look, task, exit }) =>
      exit === null || exit.reason !== undefined ? [{ terminalId, name, cols, rows, look, task, lost: exit?.reason ?? null }] : [],
    );
    this.#save();
  }

  /** What ran is gone, and whoever looks for it is told why. */
  lose(why: string): void {
    this.#final = true;
    if (this.#all.every(({ lost }) => lost !== null)) return;
    // Those lost before have been told of while this sandbox lived.
    this.#all = this.#all
      .filter(({ lost }) => lost === null)
      .map((terminal) => ({ ...terminal, lost: why }))
      .slice(-MOST_LOST);
    this.#save();
  }

  /** What ran was ended on purpose: nobody need be told. */
  forget(): void {
    this.#final = true;
    this.#all = [];
    rmSync(this.#path, { force: true });
  }

  #save(): void {
    writeAtomically(this.#path, JSON.stringify(this.#all));
  }
}
