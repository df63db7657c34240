import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Failure } from '../failure.ts';
import type { SandboxParts } from './driver.ts';

/**
 * Finds the helper beside the packed runner, or where the repository builds it.
 * @param main address of the running program
 */
export function findParts(main: string): SandboxParts {
  const places = ['./gatehouse-helper.js', '../dist/gatehouse-helper.js'].map((place) => fileURLToPath(new URL(place, main)));
  const helper = places.find((place) => existsSync(place));
  if (helper === undefined) throw new Failure('The helper is not built. Run "npm run build:runner" once.');
  const fromHelper = createRequire(helper);
  const pty = dirname(fromHelper.resolve('@lydell/node-pty/package.json'));
  const binaryName = `@lydell/node-pty-${process.platform}-${process.arch}`;
  const binary = dirname(createRequire(`${pty}/index.js`).resolve(`${binaryName}/package.json`));
  return { node: process.execPath, helper, packages: { '@lydell/node-pty': pty, [binaryName]: binary } };
}
