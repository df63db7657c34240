import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { WorkspaceState } from '@gatehouse/core/api/workspace-states.ts';
import type { Person } from '../../scripts/api.ts';
import { until } from '../support/product.ts';
import type { System } from './system.ts';

/** What the API tells of a workspace. */
export interface Told {
  name: string;
  desired: string;
  phase: string;
  generation: number;
  error: string | null;
  trash: unknown;
  state: WorkspaceState;
}

/** So that every start leaves a line, and that start and stop wait where a test holds them. */
export const START = `echo "start $(( $(wc -l < history 2>/dev/null || echo 0) + 1 ))" >> history
touch at-start; while [ -e hold-start ]; do sleep 0.05; done; rm -f at-start`;
export const STOP = 'touch at-stop; while [ -e hold-stop ]; do sleep 0.05; done; rm -f at-stop';

/** One workspace, with what its owner has put into its home. */
export class Space {
  readonly id: string;
  readonly folder: string;
  readonly home: string;
  readonly #owner: Person;
  /** the root file system that it waits for, if any */
  system: Pick<System, 'digest' | 'release'> | null = null;
  #planted: string | null = null;

  /** @param workspaces folder of the runner's workspaces */
  constructor(owner: Person, workspaces: string, id: string) {
    this.#owner = owner;
    this.id = id;
    this.folder = join(workspaces, id);
    this.home = join(this.folder, 'home');
  }

  async told(): Promise<Told | null> {
    const answer = await this.#owner.ask('GET', `/workspaces/${this.id}`);
    if (answer.status === 404) return null;
    if (!answer.ok) throw new Error(`Asking for a workspace answered ${answer.status}`);
    return (await answer.json()) as Told;
  }

  async ask(method: string, verb = '', body?: unknown): Promise<void> {
    await this.#owner.call(method, `/workspaces/${this.id}${verb}`, body);
  }

  reaches(...kinds: WorkspaceState['kind'][]): Promise<void> {
    return until(async () => kinds.includes((await this.told().catch(() => null))?.state.kind ?? 'deleted'), 60);
  }

  /** The script of that name waits from now on where it is held. */
  hold(script: 'start' | 'stop'): void {
    writeFileSync(join(this.home, `hold-${script}`), '');
  }

  /** @returns once the script has come to where it is held */
  isHeld(script: 'start' | 'stop'): Promise<void> {
    return until(() => Promise.resolve(existsSync(join(this.home, `at-${script}`))), 60);
  }

  release(): void {
    for (const script of ['start', 'stop']) rmSync(join(this.home, `hold-${script}`), { force: true });
  }

  /** Puts files into the home that must not change any more. */
  plant(bytes: (count: number) => Uint8Array, files = 5): void {
    for (let file = 0; file < files; file++) {
      const folder = join(this.home, 'precious', String(file % 7));
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, String(file)), bytes(1 + file * 997));
    }
    this.#planted = this.#digest();
  }

  /** Whether what was planted is there, byte for byte. */
  get isWhole(): boolean {
    return this.#planted === null || this.#digest() === this.#planted;
  }

  /** the starts that its script has counted */
  get starts(): string[] {
    const path = join(this.home, 'history');
    return existsSync(path) ? readFileSync(path, 'utf8').trimEnd().split('\n') : [];
  }

  #digest(): string {
    const hash = createHash('sha256');
    const walk = (folder: string) => {
      for (const entry of readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
        hash.update(`${entry.name}\0`);
        if (entry.isDirectory()) walk(join(folder, entry.name));
        else hash.update(readFileSync(join(folder, entry.name)));
      }
    };
    walk(join(this.home, 'precious'));
    return hash.digest('hex');
  }
}
