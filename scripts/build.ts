import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The parts that are built before a start, each from the folders that it is made of. */
const PARTS = {
  web: {
    made: 'web/build/index.html',
    of: [
      'web/src',
      'web/static',
      ...['vite.config', 'announcer', 'chunks', 'fonts', 'ide-page', 'kit', 'lean-xterm', 'nonce', 'pure-core', 'zod'].map(
        (file) => `web/${file}.ts`,
      ),
      'core',
      'package-lock.json',
    ],
    command: ['npm', 'run', 'build:web'],
  },
  runner: {
    made: 'runner/dist/gatehouse-runner.js',
    of: ['runner/src', 'runner/package.json', 'core', 'package-lock.json'],
    command: ['npm', 'run', 'build:runner'],
  },
  worker: {
    made: 'dist/worker/index.js',
    of: ['worker', 'core', 'wrangler.toml', 'package-lock.json'],
    command: ['npm', 'run', 'build:worker'],
  },
} as const;

export type Part = keyof typeof PARTS;

/**
 * Builds what is missing or older than its sources; the web app first, because the Worker serves it.
 * @param root the repository
 * @param say called with the part before it is built
 */
export async function build(root: string, say: (part: Part) => void): Promise<void> {
  for (const part of Object.keys(PARTS) as Part[]) {
    const { made, of, command } = PARTS[part];
    const stamp = join(root, 'dist', `${part}.stamp`);
    const fingerprint = await fingerprintOf(of.map((path) => join(root, path)));
    const built = existsSync(join(root, made)) && existsSync(stamp) ? await readFile(stamp, 'utf8') : '';
    if (built === fingerprint) continue;
    say(part);
    await run(root, command);
    await mkdir(join(root, 'dist'), { recursive: true });
    await writeFile(stamp, fingerprint);
  }
}

async function fingerprintOf(paths: string[]): Promise<string> {
  const hash = createHash('sha256');
  for (const path of paths)
    for (const file of await filesUnder(path))
      hash
        .update(file)
        .update('\0')
        .update(await readFile(file));
  return hash.digest('hex');
}

async function filesUnder(path: string): Promise<string[]> {
  if (!existsSync(path)) return [];
  const entries = await readdir(path, { recursive: true, withFileTypes: true }).catch(() => null);
  if (!entries) return [path];
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => !/[/\\](node_modules|dist|build|\.svelte-kit)[/\\]/.test(file.slice(path.length)))
    .sort();
}

/** Its output is shown only when it fails. */
function run(cwd: string, [command, ...args]: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command ?? '', args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    const output: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => output.push(chunk));
    child.on('error', reject);
    child.on('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`${[command, ...args].join(' ')} failed:\n${Buffer.concat(output).toString()}`)),
    );
  });
}
