import { join } from 'node:path';
import { ServiceFailure } from '../service-failure.ts';

/**
 * The place of a path inside the workspace. `..` is refused; links are followed as any program in the sandbox
 * would: what they can reach is what the sandbox shows, so they need no check that could be raced.
 */
export function placeOf(root: string, path: string): string {
  const names = path.split('/').filter((name) => name !== '' && name !== '.');
  if (names.includes('..')) throw new ServiceFailure('invalid', 'A path must not contain ".."');
  return join(root, ...names);
}
