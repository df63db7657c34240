import { spawn, type ChildProcess } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { templateLimits, type TemplateLimits } from '@gatehouse/core/api/template-limits.ts';
import { afterAll, beforeAll, describe, vi } from 'vitest';
import type { HelperRequest } from '../../../src/channel/requests.ts';
import type { HelperHead } from '../../../src/channel/helper-client.ts';
import type { SandboxPlan, Usage } from '../../../src/sandbox/driver.ts';
import { mintId } from '../../support/mint.ts';
import type { TestEngine } from '../../support/podman.ts';
import { isolationMissing, testEngine } from '../../support/sandbox.ts';
import type { Ask } from './warder.ts';

/** what a hostile program must not get at */
export const SECRET = 'the-runner-s-secret';
const WARDER = fileURLToPath(new URL('./warder.ts', import.meta.url));
const NOBODY = 65_534;

type Plain = Partial<Omit<SandboxPlan, 'limits'>> & { limits?: Partial<TemplateLimits> };

/** One sandbox with a hostile program inside. */
export class Cell {
  readonly #ask: (ask: Ask) => Promise<unknown>;
  readonly name: string;
  readonly plan: SandboxPlan;

  constructor(ask: (ask: Ask) => Promise<unknown>, name: string, plan: SandboxPlan) {
    this.#ask = ask;
    this.name = name;
    this.plan = plan;
  }

  run = (script: string) =>
    this.#ask({ do: 'run', name: this.name, script }) as Promise<{ code: number | null; output: string; bytes: number }>;
  /** The same for a program that prints more than anybody keeps. */
  flood = (script: string) => this.#ask({ do: 'flood', name: this.name, script }) as Promise<{ bytes: number }>;
  call = (request: HelperRequest) => this.#ask({ do: 'call', name: this.name, request }) as Promise<HelperHead>;
  write = (path: string, bytes = 1) => this.#ask({ do: 'write', name: this.name, path, bytes }) as Promise<HelperHead>;
  /** Types into a new terminal. @returns its output, once that holds `until` or the sandbox has ended */
  terminal = (input: string, until: string) => this.#ask({ do: 'terminal', name: this.name, input, until }) as Promise<string>;
  usage = () => this.#ask({ do: 'usage', name: this.name }) as Promise<Usage>;
  trouble = () => this.#ask({ do: 'trouble', name: this.name }) as Promise<string | null>;
  ended = () => this.#ask({ do: 'ended', name: this.name }) as Promise<string>;
  stop = () => this.#ask({ do: 'stop', name: this.name });
  pid = () => this.#ask({ do: 'pid', name: this.name }) as Promise<number>;

  /**
   * Tries each of these shell scripts, which end with 0 when they reached what they must not.
   * @returns the names of those that did, and of scripts that could not even be tried
   */
  async escapes(attempts: Record<string, string>): Promise<string[]> {
    const each = Object.entries(attempts).map(
      ([name, script]) => `(${script}\n) >/dev/null 2>&1 && echo ${JSON.stringify(`ESCAPED ${name}`)}`,
    );
    const { output } = await this.run(`${each.join('\n')}\necho tried`);
    const lines = output.split('\n');
    const escaped = lines.filter((line) => line.startsWith('ESCAPED '));
    return lines.at(-1) === 'tried' ? escaped : [...escaped, 'the attempts were not tried to their end'];
  }
}

/** A runner with its state folder, and sandboxes of it. */
export class Prison {
  readonly root: string;
  /** of its containers; null: bubblewrap isolates */
  readonly engine: TestEngine | null;
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  readonly #ended: Promise<void>;
  readonly #ready: Promise<unknown>;
  #next = 1;
  /** whether the runner's program has ended, which nothing may make it do */
  fell = false;

  constructor({ asNobody, engine }: Kind) {
    this.engine = engine;
    this.root = mkdtempSync(join(tmpdir(), 'gatehouse-prison-'));
    mkdirSync(join(this.root, 'workspaces'));
    for (const name of ['identity.pem', 'config.json']) writeFileSync(join(this.root, name), SECRET, { mode: 0o600 });
    if (asNobody) for (const name of ['.', 'workspaces', 'identity.pem', 'config.json']) chownSync(join(this.root, name), NOBODY, NOBODY);
    const become = asNobody ? ['/usr/bin/setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', '--'] : [];
    const [file = '', ...args] = [...become, process.execPath, WARDER, this.root, ...(engine === null ? [] : [engine.socket])];
    this.#child = spawn(file, args, {
      cwd: '/',
      env: { PATH: process.env['PATH'] ?? '', HOME: this.root, GATEHOUSE_TEST_SECRET: SECRET },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#ready = new Promise((resolve, reject) => this.#waiting.set(0, { resolve, reject }));
    this.#child.on('message', ({ id, value, error }: { id: number; value?: unknown; error?: string }) => {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error === undefined) waiting?.resolve(value);
      else waiting?.reject(new Error(error));
    });
    this.#ended = new Promise((resolve) => {
      this.#child.once('exit', () => {
        this.fell = true;
        for (const { reject } of this.#waiting.values()) reject(new Error('The runner has ended'));
        resolve();
      });
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  async ask(ask: Ask): Promise<unknown> {
    await this.#ready;
    if (this.fell) throw new Error('The runner has ended');
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#child.send({ id, ask });
    });
  }

  controls = () => this.ask({ do: 'controls' }) as Promise<string[]>;
  /** bytes of memory that the runner holds */
  memory = () => this.ask({ do: 'memory' }) as Promise<number>;

  /** A new sandbox, or the one of that plan anew. */
  async cell({ limits, ...change }: Plain = {}): Promise<Cell> {
    const workspaceId = change.workspaceId ?? mintId('workspace');
    const plan: SandboxPlan = {
      ...{ workspaceId, name: 'cell', owner: { name: 'Mallory', email: 'mallory@acme.test' }, environment: {}, startupScript: '' },
      ...{
        graceMs: 60_000,
        rootfs: null,
        image: this.engine?.image ?? null,
        network: null,
        folder: join(this.root, 'workspaces', workspaceId),
      },
      ...change,
      limits: templateLimits.parse(limits ?? {}),
    };
    const name = `${workspaceId}-${this.#next}`;
    await this.ask({ do: 'start', name, plan });
    return new Cell((ask) => this.ask(ask), name, plan);
  }

  async close(): Promise<void> {
    if (!this.fell) this.#child.disconnect();
    await this.#ended;
    if (existsSync(this.root)) rmSync(this.root, { recursive: true, force: true });
  }
}

const isRoot = process.getuid?.() === 0;
interface Kind {
  asNobody: boolean;
  engine: TestEngine | null;
}

/** All ways of isolating that whoever runs the suite may have. */
function kindsOfPrison(): [string, Kind][] {
  const engine = testEngine();
  const bubblewrap: [string, Kind][] = isRoot
    ? [
        ['bubblewrap and the runner as root', { asNobody: false, engine: null }],
        ['bubblewrap and the runner as somebody without rights', { asNobody: true, engine: null }],
      ]
    : [['bubblewrap and the runner as somebody without rights', { asNobody: false, engine: null }]];
  return [
    ...(isolationMissing() === null ? bubblewrap : []),
    ...(engine === null ? [] : ([['containers and the runner as root', { asNobody: false, engine }]] satisfies [string, Kind][])),
  ];
}

/** The same suite for each way of isolating. @param only `bubblewrap`: about what containers do without */
export function describePrisons(title: string, suite: (prison: () => Prison) => void, only?: 'bubblewrap'): void {
  // Sandboxes that are starved on purpose, perhaps on a machine that has much to do besides.
  vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });
  describe.each(kindsOfPrison().filter(([, { engine }]) => only === undefined || engine === null))(`${title}, with %s`, (_how, kind) => {
    let prison: Prison;
    beforeAll(() => {
      prison = new Prison(kind);
    });
    afterAll(() => prison.close());
    suite(() => prison);
  });
}
