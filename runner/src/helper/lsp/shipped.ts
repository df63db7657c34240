import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import process from 'node:process';

/** The npm package that has TypeScript for this machine. */
export const typescriptPackage = (): string => `@typescript/typescript-${process.platform}-${process.arch}`;
/** The servers of this repository, as a sandbox sees them. */
export const OWN_SERVERS = 'gatehouse-language-servers';

const LOADER = 'ld.so';

/** Node as the helper runs in it: under another root file system it is loaded with the libraries that it brings. */
function node(): [string, ...string[]] {
  const program = process.execPath;
  if (basename(program) !== LOADER) return [program];
  const tools = dirname(program);
  return [program, '--library-path', tools, join(dirname(tools), 'node')];
}

const folderOf = (name: string): string | null => {
  try {
    return dirname(createRequire(import.meta.url).resolve(`${name}/package.json`));
  } catch {
    return null;
  }
};

/** Beside the helper where it was built, among its packages in a sandbox. */
const ownServers = (): string | null =>
  ['languages', `node_modules/${OWN_SERVERS}`].map((place) => join(import.meta.dirname, place, 'server.mjs')).find(existsSync) ?? null;

/** How a server that the runner brings along is called; null: this one does not. */
export function shippedCommand(name: string): [string, ...string[]] | null {
  if (name === 'typescript') {
    const folder = folderOf(typescriptPackage());
    return folder === null ? null : [join(folder, 'lib', 'tsc')];
  }
  if (name === 'pyright') {
    const folder = folderOf('pyright');
    return folder === null ? null : [...node(), join(folder, 'langserver.index.js')];
  }
  const server = name === 'web' ? ownServers() : null;
  return server === null ? null : [...node(), server];
}
