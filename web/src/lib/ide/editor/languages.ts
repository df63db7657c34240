import { StreamLanguage, type LanguageSupport, type StreamParser } from '@codemirror/language';
import type { Extension } from '@codemirror/state';

export interface Language {
  name: string;
  load(): Promise<LanguageSupport | Extension>;
}

const legacy = async (parser: Promise<StreamParser<unknown>>): Promise<Extension> => StreamLanguage.define(await parser);
const script = (name: string, options: { jsx?: boolean; typescript?: boolean }): Language => ({
  name,
  load: async () => (await import('@codemirror/lang-javascript')).javascript(options),
});

const LANGUAGES = {
  typescript: script('TypeScript', { typescript: true }),
  tsx: script('TypeScript JSX', { typescript: true, jsx: true }),
  javascript: script('JavaScript', { jsx: true }),
  svelte: { name: 'Svelte', load: async () => (await import('@replit/codemirror-lang-svelte')).svelte() },
  html: { name: 'HTML', load: async () => (await import('@codemirror/lang-html')).html() },
  css: { name: 'CSS', load: async () => (await import('@codemirror/lang-css')).css() },
  json: { name: 'JSON', load: async () => (await import('@codemirror/lang-json')).json() },
  yaml: { name: 'YAML', load: async () => (await import('@codemirror/lang-yaml')).yaml() },
  markdown: { name: 'Markdown', load: async () => (await import('@codemirror/lang-markdown')).markdown() },
  python: { name: 'Python', load: async () => (await import('@codemirror/lang-python')).python() },
  go: { name: 'Go', load: async () => (await import('@codemirror/lang-go')).go() },
  rust: { name: 'Rust', load: async () => (await import('@codemirror/lang-rust')).rust() },
  java: { name: 'Java', load: async () => (await import('@codemirror/lang-java')).java() },
  cpp: { name: 'C++', load: async () => (await import('@codemirror/lang-cpp')).cpp() },
  c: { name: 'C', load: async () => (await import('@codemirror/lang-cpp')).cpp() },
  sql: { name: 'SQL', load: async () => (await import('@codemirror/lang-sql')).sql() },
  shell: { name: 'Shell', load: () => legacy(import('@codemirror/legacy-modes/mode/shell').then(({ shell }) => shell)) },
  dockerfile: {
    name: 'Dockerfile',
    load: () => legacy(import('@codemirror/legacy-modes/mode/dockerfile').then(({ dockerFile }) => dockerFile)),
  },
  toml: { name: 'TOML', load: () => legacy(import('@codemirror/legacy-modes/mode/toml').then(({ toml }) => toml)) },
} satisfies Record<string, Language>;

type LanguageName = keyof typeof LANGUAGES;

// prettier-ignore
const BY_EXTENSION: Record<string, LanguageName> = {
  ts: 'typescript', mts: 'typescript', cts: 'typescript', tsx: 'tsx',
  js: 'javascript', mjs: 'javascript', cjs: 'javascript', jsx: 'javascript',
  svelte: 'svelte', html: 'html', htm: 'html', vue: 'html', xml: 'html', svg: 'html', css: 'css', scss: 'css', less: 'css',
  json: 'json', jsonc: 'json', json5: 'json', webmanifest: 'json', map: 'json',
  yaml: 'yaml', yml: 'yaml', md: 'markdown', markdown: 'markdown', mdx: 'markdown',
  py: 'python', pyi: 'python', go: 'go', rs: 'rust', java: 'java', kt: 'java',
  c: 'c', h: 'c', cc: 'cpp', cpp: 'cpp', cxx: 'cpp', hh: 'cpp', hpp: 'cpp',
  sql: 'sql', sh: 'shell', bash: 'shell', zsh: 'shell', ksh: 'shell', env: 'shell', toml: 'toml', dockerfile: 'dockerfile',
};

const BY_NAME: Record<string, LanguageName> = {
  dockerfile: 'dockerfile',
  containerfile: 'dockerfile',
  '.bashrc': 'shell',
  '.bash_profile': 'shell',
  '.profile': 'shell',
  '.zshrc': 'shell',
  '.env': 'shell',
  '.prettierrc': 'json',
  '.babelrc': 'json',
  'cargo.lock': 'toml',
  'poetry.lock': 'toml',
};

/** The language of a file, by its name; null when it is shown plain. */
export function languageOf(fileName: string): Language | null {
  const name = fileName.toLowerCase();
  const language = BY_NAME[name] ?? (name.startsWith('dockerfile.') ? 'dockerfile' : undefined) ?? BY_EXTENSION[name.slice(name.lastIndexOf('.') + 1)];
  return language === undefined ? null : LANGUAGES[language];
}
