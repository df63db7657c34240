import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Failure } from './failure.ts';

/**
 * Finds a program beside the packed runner, or where the repository builds it.
 * @param main address of the running program
 * @throws Failure when it is not built
 */
export function findBuilt(main: string, name: string): string {
  const places = [`./${name}`, `../dist/${name}`].map((place) => fileURLToPath(new URL(place, main)));
  const found = places.find((place) => existsSync(place));
  if (found === undefined) throw new Failure(`${name} is not built. Run "npm run build:runner" once.`);
  return found;
}
