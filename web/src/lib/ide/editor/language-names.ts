/** The languages that the editor knows, and how files tell theirs by name. */
export const LANGUAGE_NAMES = {
  typescript: 'TypeScript',
  tsx: 'TypeScript JSX',
  javascript: 'JavaScript',
  svelte: 'Svelte',
  html: 'HTML',
  css: 'CSS',
  json: 'JSON',
  yaml: 'YAML',
  markdown: 'Markdown',
  python: 'Python',
  go: 'Go',
  rust: 'Rust',
  java: 'Java',
  cpp: 'C++',
  c: 'C',
  sql: 'SQL',
  shell: 'Shell',
  dockerfile: 'Dockerfile',
  toml: 'TOML',
} as const;
export type LanguageId = keyof typeof LANGUAGE_NAMES;

// prettier-ignore
const BY_EXTENSION: Record<string, LanguageId> = {
  ts: 'typescript', mts: 'typescript', cts: 'typescript', tsx: 'tsx',
  js: 'javascript', mjs: 'javascript', cjs: 'javascript', jsx: 'javascript',
  svelte: 'svelte', html: 'html', htm: 'html', vue: 'html', xml: 'html', svg: 'html', css: 'css', scss: 'css', less: 'css',
  json: 'json', jsonc: 'json', json5: 'json', webmanifest: 'json', map: 'json',
  yaml: 'yaml', yml: 'yaml', md: 'markdown', markdown: 'markdown', mdx: 'markdown',
  py: 'python', pyi: 'python', go: 'go', rs: 'rust', java: 'java', kt: 'java',
  c: 'c', h: 'c', cc: 'cpp', cpp: 'cpp', cxx: 'cpp', hh: 'cpp', hpp: 'cpp',
  sql: 'sql', sh: 'shell', bash: 'shell', zsh: 'shell', ksh: 'shell', env: 'shell', toml: 'toml', dockerfile: 'dockerfile',
};

const BY_NAME: Record<string, LanguageId> = {
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
export function languageOf(fileName: string): LanguageId | null {
  const name = fileName.toLowerCase();
  if (name.startsWith('dockerfile.')) return 'dockerfile';
  return BY_NAME[name] ?? BY_EXTENSION[name.slice(name.lastIndexOf('.') + 1)] ?? null;
}

/** For people. */
export function languageName(fileName: string): string {
  const language = languageOf(fileName);
  return language === null ? 'Plain text' : LANGUAGE_NAMES[language];
}
