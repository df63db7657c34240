import { pathToFileURL, fileURLToPath } from 'node:url';
import { programExit, type HelperRequest } from '../../../src/channel/requests.ts';
import { findLimiter } from '../../../src/limits/limiter.ts';
import { bubblewrapDriver } from '../../../src/sandbox/bubblewrap.ts';
import { containerDriver } from '../../../src/sandbox/container/container.ts';
import { Engine } from '../../../src/sandbox/container/engine.ts';
import type { Sandbox, SandboxPlan } from '../../../src/sandbox/driver.ts';
import { findParts } from '../../../src/sandbox/parts.ts';
import { Terminals } from '../../../src/terminals/terminals.ts';
import { noScreens } from '../../support/no-screens.ts';

/**
 * A program that stands in the runner's place: it starts sandboxes as whoever runs it, and does what the suite asks. Its
 * arguments are the state folder and, for containers, the engine's socket. What it answers shows that it lives on.
 */
export type Ask =
  | { do: 'start'; name: string; plan: SandboxPlan }
  | { do: 'run'; name: string; script: string }
  | { do: 'flood'; name: string; script: string }
  | { do: 'call'; name: string; request: HelperRequest }
  | { do: 'write'; name: string; path: string; bytes: number }
  | { do: 'terminal'; name: string; input: string; until: string }
  | { do: 'usage' | 'trouble' | 'ended' | 'stop' | 'pid'; name: string }
  | { do: 'controls' | 'memory' };

const limiter = findLimiter(process.argv[2] ?? '');
const parts = findParts(pathToFileURL(fileURLToPath(new URL('../../../src/main.ts', import.meta.url))).href);
const socket = process.argv[3];
const engine = socket === undefined ? null : await Engine.at(socket);
const driver = engine === null ? bubblewrapDriver(parts, limiter) : containerDriver(engine, parts);
const sandboxes = new Map<string, Sandbox>();

const sandboxOf = (name: string): Sandbox => {
  const sandbox = sandboxes.get(name);
  if (sandbox === undefined) throw new Error(`no sandbox ${name}`);
  return sandbox;
};

/** @param keep characters of the output that are kept; all of it is counted */
function run(sandbox: Sandbox, script: string, keep: number): Promise<{ code: number | null; output: string; bytes: number }> {
  return new Promise((resolve) => {
    let [output, bytes] = ['', 0];
    let code: number | null = null;
    const end = () => resolve({ code, output: output.trim(), bytes });
    sandbox.helper.open(
      { method: 'task.run', argv: ['/bin/bash', '-c', script], environment: {} },
      {
        head: (head) => !head.ok && end(),
        data: (piece) => {
          bytes += piece.byteLength;
          if (output.length < keep) output += Buffer.from(piece).toString();
        },
        message: (value) => (code = programExit.parse(value).code),
        fin: end,
        gone: end,
      },
    );
  });
}

/** Writes a file through the service, as a browser would. */
const write = (sandbox: Sandbox, path: string, bytes: number) =>
  new Promise((resolve) => {
    const stream = sandbox.helper.open(
      { method: 'files.write', path, etag: '*', size: bytes },
      { head: resolve, gone: () => resolve({ ok: false, code: 'gone' }) },
    );
    stream.data(new Uint8Array(bytes).fill(120));
    stream.fin();
  });

/** Types into a new terminal and answers with all of its output once that holds `until`. */
async function terminal(sandbox: Sandbox, input: string, until: string): Promise<string> {
  const terminals = new Terminals(sandbox.helper, { lost: [], keep: () => undefined }, noScreens);
  const size = { cols: 200, rows: 50 };
  const opened = await terminals.open(size, { cwd: '', name: 'one', key: `suite.${Math.random()}` });
  const text = () => Buffer.from(opened.ring.read(opened.ring.start, Infinity)).toString();
  return new Promise((resolve) => {
    const look = () => text().includes(until) && resolve(text());
    const watcher = {
      get cursor() {
        return opened.ring.end;
      },
      ...{ size, mayDrive: true, changed: look, typed: () => undefined, tell: () => undefined },
      over: () => resolve(text()),
    };
    opened.watch(watcher);
    opened.input(watcher, 'suite', 0, Buffer.from(input));
    void sandbox.ended.then(() => resolve(text()));
  });
}

async function serve(ask: Ask): Promise<unknown> {
  switch (ask.do) {
    case 'start': {
      const sandbox = await driver.start(ask.plan);
      sandboxes.set(ask.name, sandbox);
      return null;
    }
    case 'run':
      return run(sandboxOf(ask.name), ask.script, Infinity);
    case 'flood':
      return run(sandboxOf(ask.name), ask.script, 0);
    case 'call':
      return sandboxOf(ask.name).helper.call(ask.request);
    case 'write':
      return write(sandboxOf(ask.name), ask.path, ask.bytes);
    case 'terminal':
      return terminal(sandboxOf(ask.name), ask.input, ask.until);
    case 'usage':
      return sandboxOf(ask.name).usage();
    case 'trouble':
      return sandboxOf(ask.name).trouble()?.words ?? null;
    case 'ended':
      return sandboxOf(ask.name).ended;
    case 'stop':
      return sandboxOf(ask.name).stop();
    case 'pid':
      return sandboxOf(ask.name).trace.first.pid;
    case 'controls':
      return engine?.controls ?? limiter.controls;
    case 'memory':
      return process.memoryUsage().rss;
  }
}

const say = (message: object) => process.connected && process.send?.(message);

process.on('message', ({ id, ask }: { id: number; ask: Ask }) => {
  serve(ask).then(
    (value) => say({ id, value }),
    (error: unknown) => say({ id, error: error instanceof Error ? error.message : String(error) }),
  );
});
process.on('disconnect', () => {
  void Promise.all([...sandboxes.values()].map((sandbox) => sandbox.stop())).then(() => {
    limiter.close();
    process.exit(0);
  });
});
say({ id: 0, value: null });
