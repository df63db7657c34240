import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { breachedPasswords, LIST } from '../../scripts/breached-passwords.ts';
import { isOnList, listOfPasswords } from '../../worker/identity/breached-passwords.ts';
import { Chance } from '../support/chance.ts';

const list = new Uint8Array(readFileSync(join(resolve(import.meta.dirname, '../..'), LIST)));
const passwords = breachedPasswords();
const chance = new Chance(1);
const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 -_!?';
const random = (length: number) => Array.from({ length }, () => chance.pick([...LETTERS])).join('');

describe('the list of breached passwords', () => {
  test('is what its script makes of the package that it names', () => {
    expect(Buffer.compare(listOfPasswords(passwords), list)).toBe(0);
  });

  test('holds every one of them, the 3,000 most used before all (ASVS 6.2.4), in capitals too', () => {
    expect(passwords.length).toBeGreaterThan(40_000);
    expect(passwords.filter((password) => !isOnList(list, password))).toEqual([]);
    expect(passwords.slice(0, 3_000).filter((password) => !isOnList(list, password.toUpperCase()))).toEqual([]);
  });

  test('takes none of 10,000 random passwords for one of them', () => {
    expect(Array.from({ length: 10_000 }, () => random(12)).filter((password) => isOnList(list, password))).toEqual([]);
  });

  test('finds the first and the last of a list, and nothing on an empty one', () => {
    const few = ['correct horse battery', 'another long one', 'Straße am Fluß 12'];
    for (const password of few) expect(isOnList(listOfPasswords(few), password)).toBe(true);
    expect(isOnList(listOfPasswords(few), 'correct horse batter')).toBe(false);
    expect(isOnList(listOfPasswords([]), 'correct horse battery')).toBe(false);
  });
});
