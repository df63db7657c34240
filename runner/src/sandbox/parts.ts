import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { findBuilt } from '../built-program.ts';
import { ripgrepPackage } from '../helper/search/ripgrep.ts';
import { OWN_SERVERS, typescriptPackage } from '../helper/lsp/shipped.ts';
import type { SandboxParts } from './driver.ts';

/**
 * Finds the helper and what it needs.
 * @param main address of the running program
 */
export function findParts(main: string): SandboxParts {
  const helper = findBuilt(main, 'gatehouse-helper.js');
  const fromHelper = createRequire(helper);
  const pty = dirname(fromHelper.resolve('@lydell/node-pty/package.json'));
  const ripgrep = findRipgrep(fromHelper);
  const binaryName = `@lydell/node-pty-${process.platform}-${process.arch}`;
  const binary = dirname(createRequire(`${pty}/index.js`).resolve(`${binaryName}/package.json`));
  const packages = { '@lydell/node-pty': pty, [binaryName]: binary, [ripgrep.name]: ripgrep.folder, ...languageServers(helper) };
  return { node: process.execPath, helper, packages };
}

/** The language servers that are there for every workspace. */
function languageServers(helper: string): Record<string, string> {
  const from = createRequire(helper);
  const typescript = createRequire(from.resolve('typescript/package.json')).resolve(`${typescriptPackage()}/package.json`);
  return {
    [typescriptPackage()]: dirname(typescript),
    pyright: dirname(from.resolve('pyright/package.json')),
    [OWN_SERVERS]: join(dirname(helper), 'languages'),
  };
}

/** The program that searches, made for this machine. */
function findRipgrep(from: NodeJS.Require): { name: string; folder: string } {
  const name = ripgrepPackage();
  const all = createRequire(from.resolve('@vscode/ripgrep'));
  return { name, folder: dirname(all.resolve(`${name}/package.json`)) };
}
