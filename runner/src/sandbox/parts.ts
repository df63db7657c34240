import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { findBuilt } from '../built-program.ts';
import type { SandboxParts } from './driver.ts';

/**
 * Finds the helper and what it needs.
 * @param main address of the running program
 */
export function findParts(main: string): SandboxParts {
  const helper = findBuilt(main, 'gatehouse-helper.js');
  const fromHelper = createRequire(helper);
  const pty = dirname(fromHelper.resolve('@lydell/node-pty/package.json'));
  const binaryName = `@lydell/node-pty-${process.platform}-${process.arch}`;
  const binary = dirname(createRequire(`${pty}/index.js`).resolve(`${binaryName}/package.json`));
  return { node: process.execPath, helper, packages: { '@lydell/node-pty': pty, [binaryName]: binary } };
}
