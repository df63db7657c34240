import { expect, it } from 'vitest';
import { languageName, languageNamed, languageOf, LANGUAGE_NAMES, type LanguageId } from './language-names.ts';
import { LANGUAGES } from './languages.ts';

it.each([
  ['a.ts', 'TypeScript'],
  ['a.scss', 'SCSS'],
  ['Makefile', 'Makefile'],
  ['.gitignore', 'Ignore list'],
  ['go.mod', 'Go module'],
  ['Dockerfile.dev', 'Dockerfile'],
  ['.env.local', 'Shell'],
  ['main.cs', 'C#'],
  ['notes', 'Plain text'],
])('%s is %s', (name, language) => {
  expect(languageName(languageOf(name))).toBe(language);
});

it('a file without an ending is what its first line names', () => {
  expect(languageOf('deploy', '#!/usr/bin/env bash')).toBe('shell');
  expect(languageOf('deploy', '#!/usr/bin/python3')).toBe('python');
  expect(languageOf('deploy', 'bash')).toBeNull();
});

it('fenced blocks name languages by their names or endings', () => {
  expect(['ts', 'TypeScript', 'py {1}', 'c#', 'console', 'what'].map(languageNamed)).toEqual([
    'typescript',
    'typescript',
    'python',
    'csharp',
    'shell',
    null,
  ]);
});

it.each(Object.keys(LANGUAGE_NAMES) as LanguageId[])('%s can be coloured', async (language) => {
  expect((await LANGUAGES[language]()).language.name).toBeTypeOf('string');
});
