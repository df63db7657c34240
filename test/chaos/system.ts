import { execFileSync } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

const PROGRAMS = ['bash', 'touch', 'wc', 'sleep', 'rm', 'cat'];

/** What those programs load, as `ldd` says. */
const libraries = (): string[] => {
  const said = PROGRAMS.map((name) => execFileSync('ldd', [`/bin/${name}`], { encoding: 'utf8' })).join('\n');
  return [...new Set([...said.matchAll(/(\/\S+\.so\S*) \(/g)].map(([, path]) => path ?? ''))];
};

export interface System {
  digest: string;
  source: string;
  /** resolves when a runner asks for it, which gets it once that is released */
  asked: Promise<unknown>;
  release(): void;
}

/**
 * A root file system made from this machine's shell, different each time, served on loopback for as long as this process lives.
 * @param folder where it is made
 */
export async function makeSystem(folder: string): Promise<System> {
  const name = randomUUID();
  const [root, file] = [join(folder, name), join(folder, `${name}.tar`)];
  mkdirSync(join(root, 'etc'), { recursive: true });
  writeFileSync(join(root, 'etc', 'its-name'), name);
  const paths = [...PROGRAMS.flatMap((each) => [`/bin/${each}`, `/usr/bin/${each}`]), ...libraries()].filter(existsSync);
  execFileSync('tar', ['-chf', file, '-C', '/', ...paths.map((path) => path.slice(1)), '-C', root, 'etc']);
  const bytes = readFileSync(file);
  const [asked, released] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()];
  const server = createServer((_request, response) => {
    asked.resolve(undefined);
    void released.promise.then(() => response.end(bytes));
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  server.unref();
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  return {
    digest,
    source: `http://127.0.0.1:${(server.address() as AddressInfo).port}/root.tar`,
    asked: asked.promise,
    release: () => released.resolve(undefined),
  };
}
