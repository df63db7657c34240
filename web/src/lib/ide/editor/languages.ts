import { LanguageDescription, LanguageSupport, StreamLanguage, type StreamParser } from '@codemirror/language';
import { LANGUAGE_NAMES, languageNamed, type LanguageId } from './language-names.ts';

type Load = () => Promise<LanguageSupport>;

const legacy =
  (load: () => Promise<StreamParser<unknown>>): Load =>
  async () =>
    new LanguageSupport(StreamLanguage.define(await load()));
const script =
  (options: { jsx?: boolean; typescript?: boolean }): Load =>
  async () =>
    (await import('@codemirror/lang-javascript')).javascript(options);
const clike = (mode: 'kotlin' | 'csharp' | 'scala' | 'dart'): Load =>
  legacy(async () => (await import('@codemirror/legacy-modes/mode/clike'))[mode]);
const sass =
  (indented: boolean): Load =>
  async () =>
    (await import('@codemirror/lang-sass')).sass({ indented });
const cpp: Load = async () => (await import('@codemirror/lang-cpp')).cpp();
const shell = legacy(async () => (await import('@codemirror/legacy-modes/mode/shell')).shell);
const properties = legacy(async () => (await import('@codemirror/legacy-modes/mode/properties')).properties);

/** Each language is fetched when the first file in it is shown. */
export const LANGUAGES: Record<LanguageId, Load> = {
  typescript: script({ typescript: true }),
  tsx: script({ typescript: true, jsx: true }),
  javascript: script({ jsx: true }),
  svelte: async () => (await import('@replit/codemirror-lang-svelte')).svelte(),
  html: async () => (await import('@codemirror/lang-html')).html(),
  css: async () => (await import('@codemirror/lang-css')).css(),
  scss: sass(false),
  sass: sass(true),
  less: async () => (await import('@codemirror/lang-less')).less(),
  json: async () => (await import('@codemirror/lang-json')).json(),
  yaml: async () => (await import('@codemirror/lang-yaml')).yaml(),
  xml: async () => (await import('@codemirror/lang-xml')).xml(),
  markdown: async () => (await import('@codemirror/lang-markdown')).markdown({ codeLanguages: fencedLanguage }),
  python: async () => (await import('@codemirror/lang-python')).python(),
  go: async () => (await import('@codemirror/lang-go')).go(),
  rust: async () => (await import('@codemirror/lang-rust')).rust(),
  java: async () => (await import('@codemirror/lang-java')).java(),
  php: async () => (await import('@codemirror/lang-php')).php(),
  sql: async () => (await import('@codemirror/lang-sql')).sql(),
  cpp,
  c: cpp,
  kotlin: clike('kotlin'),
  csharp: clike('csharp'),
  scala: clike('scala'),
  dart: clike('dart'),
  swift: legacy(async () => (await import('@codemirror/legacy-modes/mode/swift')).swift),
  ruby: legacy(async () => (await import('@codemirror/legacy-modes/mode/ruby')).ruby),
  perl: legacy(async () => (await import('@codemirror/legacy-modes/mode/perl')).perl),
  lua: legacy(async () => (await import('@codemirror/legacy-modes/mode/lua')).lua),
  r: legacy(async () => (await import('@codemirror/legacy-modes/mode/r')).r),
  haskell: legacy(async () => (await import('@codemirror/legacy-modes/mode/haskell')).haskell),
  clojure: legacy(async () => (await import('@codemirror/legacy-modes/mode/clojure')).clojure),
  protobuf: legacy(async () => (await import('@codemirror/legacy-modes/mode/protobuf')).protobuf),
  powershell: legacy(async () => (await import('@codemirror/legacy-modes/mode/powershell')).powerShell),
  cmake: legacy(async () => (await import('@codemirror/legacy-modes/mode/cmake')).cmake),
  groovy: legacy(async () => (await import('@codemirror/legacy-modes/mode/groovy')).groovy),
  gomod: legacy(async () => (await import('@codemirror/legacy-modes/mode/go')).go),
  dockerfile: legacy(async () => (await import('@codemirror/legacy-modes/mode/dockerfile')).dockerFile),
  toml: legacy(async () => (await import('@codemirror/legacy-modes/mode/toml')).toml),
  nginx: legacy(async () => (await import('@codemirror/legacy-modes/mode/nginx')).nginx),
  diff: legacy(async () => (await import('@codemirror/legacy-modes/mode/diff')).diff),
  shell,
  // its comments, strings and variables are those of a shell
  makefile: shell,
  properties,
  // its comments are those of a list of settings
  ignore: properties,
};

/** Each made once, so that all fenced blocks in a language share what was fetched. */
const FENCED = new Map<LanguageId, LanguageDescription>();

function fencedLanguage(info: string): LanguageDescription | null {
  const id = languageNamed(info);
  if (id === null) return null;
  const known = FENCED.get(id) ?? LanguageDescription.of({ name: LANGUAGE_NAMES[id], load: LANGUAGES[id] });
  FENCED.set(id, known);
  return known;
}
