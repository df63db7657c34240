import { spawn } from 'node:child_process';
import type { z } from 'zod';
import type { appStart, HelperSettings } from '../../channel/requests.ts';
import { BoundedLog } from './bounded-log.ts';

const FIRST_PAUSE = 1000;
const LONGEST_PAUSE = 30_000;
/** what ran for so long was well: its next pause begins small again */
const WELL_AFTER = 60_000;

/** Where the logs of apps are, below the root of the workspace: an ordinary file, which the editor opens. */
export const logPathOf = (label: string): string => `.local/state/gatehouse/${label}.log`;

type App = z.infer<typeof appStart>['apps'][number];

/** Programs of web apps: started with the workspace, and again whenever they end. */
export class AppCommands {
  readonly #settings: Pick<HelperSettings, 'root' | 'environment'>;
  readonly #started = new Set<string>();

  constructor(settings: Pick<HelperSettings, 'root' | 'environment'>) {
    this.#settings = settings;
  }

  start(apps: readonly App[]): void {
    for (const app of apps) {
      if (app.command.trim() === '' || this.#started.has(app.label)) continue;
      this.#started.add(app.label);
      this.#run(app, new BoundedLog(`${this.#settings.root}/${logPathOf(app.label)}`), FIRST_PAUSE);
    }
  }

  #run(app: App, log: BoundedLog, pause: number): void {
    const { root, environment } = this.#settings;
    const began = performance.now();
    const child = spawn('/bin/bash', ['-c', app.command], {
      cwd: root,
      env: { ...environment, PORT: String(app.port) },
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const output of [child.stdout, child.stderr]) output.on('data', (piece: Uint8Array) => log.write(piece));
    let ended = false;
    const again = (how: string) => {
      if (ended) return;
      ended = true;
      const wait = performance.now() - began > WELL_AFTER ? FIRST_PAUSE : pause;
      log.line(`${how}; it starts again in ${wait / 1000} s`);
      setTimeout(() => this.#run(app, log, Math.min(LONGEST_PAUSE, wait * 2)), wait);
    };
    child.on('spawn', () => log.line(`started on port ${app.port}`));
    child.on('error', (error) => again(`could not start: ${error.message}`));
    child.on('exit', (code, signal) => again(signal === null ? `ended with exit code ${code ?? '?'}` : `was ended by ${signal}`));
  }
}
