import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const TITLE = /\b(?:test|it|describe)(?:\.\w+)*(?:\([^)]*\))?\(\s*(['"`])((?:\\.|(?!\1).)*)\1/gs;
const RULE = /\b[A-Z]\d+\b/g;

const rules = [...readFileSync(join(root, 'core/protocol/SPEC.md'), 'utf8').matchAll(/^- \*\*([A-Z]\d+)\*\*/gm)].map(
  ([, rule]) => rule ?? '',
);

/** Rules that a test quotes in its title, or in that of the group it stands in. */
function quoted(): Set<string> {
  const files = ['core', 'worker', 'runner/src', 'runner/test', 'web/src', 'web/test', 'test']
    .flatMap((folder) => readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((file) => join(root, folder, file)))
    .filter((file) => file.endsWith('.test.ts') && !file.includes('node_modules'));
  const titles = files.flatMap((file) => [...readFileSync(file, 'utf8').matchAll(TITLE)].map(([, , title]) => title ?? ''));
  return new Set(titles.flatMap((title) => title.match(RULE) ?? []));
}

test('every rule of the workspace connection is quoted by a test that proves it', () => {
  const proved = quoted();
  expect(rules.length).toBeGreaterThan(50);
  expect(rules.filter((rule) => !proved.has(rule))).toEqual([]);
});
