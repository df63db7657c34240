import { ZxcvbnFactory } from '@zxcvbn-ts/core';
import { adjacencyGraphs, dictionary } from '@zxcvbn-ts/language-common';
import { AppError } from '@gatehouse/core/errors.ts';
import { isOnList } from './breached-passwords.ts';
import list from './breached-passwords.bin';

/** Fewer guesses than 10^8 to find it (zxcvbn's score 3): refused. */
const LEAST_SCORE = 3;
/** What follows can only make it better, and looking costs more than in proportion. */
const LOOKED_AT = 64;

/**
 * Refuses what attackers try first: the most used passwords of known breaches, what looks like them (repeated, with
 * years and digits, in l33t, along the keyboard), and the person's and the organisation's own names.
 * @param path of the field in the request
 * @throws AppError `invalid` naming the field
 */
export function requireGoodPassword(password: string, names: readonly string[], path: string): void {
  if (isOnList(new Uint8Array(list), password)) throw refusal(path, 'is among the passwords of known breaches: choose something else');
  // Made for each check and not kept: 30 ms, beside the quarter of a second of the hash.
  const estimator = new ZxcvbnFactory({ dictionary, graphs: adjacencyGraphs });
  const own = names.flatMap((name) => {
    const words = name.split(/[^\p{L}\p{N}]+/u);
    return [name, words.join(''), ...words].filter((each) => each.length >= 3);
  });
  const { score, sequence } = estimator.check(password.slice(0, LOOKED_AT), [...new Set(own)]);
  if (score >= LEAST_SCORE) return;
  throw refusal(path, messageFor(sequence.map((part) => ('dictionaryName' in part ? String(part.dictionaryName) : part.pattern))));
}

const refusal = (path: string, message: string): AppError =>
  new AppError('invalid', 'Choose another password', { errors: [{ path, message }] });

function messageFor(parts: readonly string[]): string {
  if (parts.includes('userInputs')) return 'is too close to your name, your address or your organisation: choose something unrelated';
  if (parts.some((part) => part.startsWith('passwords')))
    return 'is among the passwords of known breaches, or close to one: choose something else';
  return 'is too easy to guess, being a pattern or a repetition: a few unrelated words are better';
}
