import { StreamLanguage, type StreamParser } from '@codemirror/language';
import type { Extension } from '@codemirror/state';
import type { LanguageId } from './language-names.ts';

type Load = () => Promise<Extension>;

const legacy = async (parser: Promise<StreamParser<unknown>>): Promise<Extension> => StreamLanguage.define(await parser);
const script =
  (options: { jsx?: boolean; typescript?: boolean }): Load =>
  async () =>
    (await import('@codemirror/lang-javascript')).javascript(options);
const cpp: Load = async () => (await import('@codemirror/lang-cpp')).cpp();

/** Each language is fetched when the first file in it is shown. */
export const LANGUAGES: Record<LanguageId, Load> = {
  typescript: script({ typescript: true }),
  tsx: script({ typescript: true, jsx: true }),
  javascript: script({ jsx: true }),
  svelte: async () => (await import('@replit/codemirror-lang-svelte')).svelte(),
  html: async () => (await import('@codemirror/lang-html')).html(),
  css: async () => (await import('@codemirror/lang-css')).css(),
  json: async () => (await import('@codemirror/lang-json')).json(),
  yaml: async () => (await import('@codemirror/lang-yaml')).yaml(),
  markdown: async () => (await import('@codemirror/lang-markdown')).markdown(),
  python: async () => (await import('@codemirror/lang-python')).python(),
  go: async () => (await import('@codemirror/lang-go')).go(),
  rust: async () => (await import('@codemirror/lang-rust')).rust(),
  java: async () => (await import('@codemirror/lang-java')).java(),
  cpp,
  c: cpp,
  sql: async () => (await import('@codemirror/lang-sql')).sql(),
  shell: () => legacy(import('@codemirror/legacy-modes/mode/shell').then(({ shell }) => shell)),
  dockerfile: () => legacy(import('@codemirror/legacy-modes/mode/dockerfile').then(({ dockerFile }) => dockerFile)),
  toml: () => legacy(import('@codemirror/legacy-modes/mode/toml').then(({ toml }) => toml)),
};
