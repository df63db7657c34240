/** The languages that the editor knows, and how files tell theirs by name. */
export const LANGUAGE_NAMES = {
  typescript: 'TypeScript',
  tsx: 'TypeScript JSX',
  javascript: 'JavaScript',
  svelte: 'Svelte',
  html: 'HTML',
  css: 'CSS',
  scss: 'SCSS',
  sass: 'Sass',
  less: 'Less',
  json: 'JSON',
  yaml: 'YAML',
  toml: 'TOML',
  xml: 'XML',
  markdown: 'Markdown',
  python: 'Python',
  go: 'Go',
  gomod: 'Go module',
  rust: 'Rust',
  java: 'Java',
  kotlin: 'Kotlin',
  scala: 'Scala',
  c: 'C',
  cpp: 'C++',
  csharp: 'C#',
  swift: 'Swift',
  dart: 'Dart',
  php: 'PHP',
  ruby: 'Ruby',
  perl: 'Perl',
  lua: 'Lua',
  r: 'R',
  haskell: 'Haskell',
  clojure: 'Clojure',
  sql: 'SQL',
  protobuf: 'Protocol Buffers',
  shell: 'Shell',
  powershell: 'PowerShell',
  makefile: 'Makefile',
  cmake: 'CMake',
  groovy: 'Groovy',
  dockerfile: 'Dockerfile',
  nginx: 'nginx',
  properties: 'Properties',
  ignore: 'Ignore list',
  diff: 'Diff',
} as const;
export type LanguageId = keyof typeof LANGUAGE_NAMES;
/** as chosen by hand: nothing is coloured */
export type ChosenLanguage = LanguageId | 'plain';

// prettier-ignore
const BY_EXTENSION: Record<string, LanguageId> = {
  ts: 'typescript', mts: 'typescript', cts: 'typescript', tsx: 'tsx',
  js: 'javascript', mjs: 'javascript', cjs: 'javascript', jsx: 'javascript',
  svelte: 'svelte', html: 'html', htm: 'html', vue: 'html', xml: 'xml', svg: 'xml', xsd: 'xml', xsl: 'xml', plist: 'xml', csproj: 'xml',
  css: 'css', scss: 'scss', sass: 'sass', less: 'less',
  json: 'json', jsonc: 'json', json5: 'json', webmanifest: 'json', map: 'json', jsonl: 'json', ipynb: 'json',
  yaml: 'yaml', yml: 'yaml', md: 'markdown', markdown: 'markdown', mdx: 'markdown',
  py: 'python', pyi: 'python', pyw: 'python', go: 'go', rs: 'rust', java: 'java', kt: 'kotlin', kts: 'kotlin', scala: 'scala',
  c: 'c', h: 'c', cc: 'cpp', cpp: 'cpp', cxx: 'cpp', hh: 'cpp', hpp: 'cpp', cs: 'csharp', swift: 'swift', dart: 'dart',
  php: 'php', rb: 'ruby', gemspec: 'ruby', rake: 'ruby', pl: 'perl', pm: 'perl', lua: 'lua', r: 'r', hs: 'haskell',
  clj: 'clojure', cljs: 'clojure', edn: 'clojure', sql: 'sql', proto: 'protobuf',
  sh: 'shell', bash: 'shell', zsh: 'shell', ksh: 'shell', env: 'shell', ps1: 'powershell', psm1: 'powershell',
  mk: 'makefile', mak: 'makefile', cmake: 'cmake', gradle: 'groovy', groovy: 'groovy',
  toml: 'toml', dockerfile: 'dockerfile', ini: 'properties', cfg: 'properties', conf: 'properties', properties: 'properties',
  service: 'properties', editorconfig: 'properties', diff: 'diff', patch: 'diff',
};

// prettier-ignore
const BY_NAME: Record<string, LanguageId> = {
  dockerfile: 'dockerfile', containerfile: 'dockerfile',
  makefile: 'makefile', gnumakefile: 'makefile', 'cmakelists.txt': 'cmake', jenkinsfile: 'groovy',
  '.bashrc': 'shell', '.bash_profile': 'shell', '.profile': 'shell', '.zshrc': 'shell', '.env': 'shell', '.envrc': 'shell',
  '.prettierrc': 'json', '.babelrc': 'json', '.eslintrc': 'json', '.swcrc': 'json',
  '.gitconfig': 'properties', '.npmrc': 'properties', '.gitmodules': 'properties',
  'cargo.lock': 'toml', 'poetry.lock': 'toml', pipfile: 'toml', 'go.mod': 'gomod', 'go.work': 'gomod',
  gemfile: 'ruby', rakefile: 'ruby', 'nginx.conf': 'nginx',
};

/** what `#!` names */
const BY_PROGRAM: [RegExp, LanguageId][] = [
  [/\b(ba|z|k|da)?sh\b/, 'shell'],
  [/\bpython/, 'python'],
  [/\b(node|bun)\b/, 'javascript'],
  [/\b(deno|tsx|ts-node)\b/, 'typescript'],
  [/\bruby\b/, 'ruby'],
  [/\bperl\b/, 'perl'],
  [/\bphp\b/, 'php'],
  [/\blua\b/, 'lua'],
];

/** The language of a file, by its name, else by the program that its first line names; null when it is shown plain. */
export function languageOf(fileName: string, firstLine = ''): LanguageId | null {
  const name = fileName.toLowerCase();
  if (name.startsWith('dockerfile.')) return 'dockerfile';
  if (name.startsWith('.env.')) return 'shell';
  if (/^\.\w+ignore$/.test(name)) return 'ignore';
  return BY_NAME[name] ?? BY_EXTENSION[name.slice(name.lastIndexOf('.') + 1)] ?? byProgram(firstLine);
}

function byProgram(firstLine: string): LanguageId | null {
  if (!firstLine.startsWith('#!')) return null;
  return BY_PROGRAM.find(([pattern]) => pattern.test(firstLine))?.[1] ?? null;
}

/** The language that a fenced block of Markdown names: by its name, or as a file of that kind ends. */
export function languageNamed(info: string): LanguageId | null {
  const word =
    info
      .trim()
      .split(/[\s,{]/)[0]
      ?.toLowerCase() ?? '';
  if (word in LANGUAGE_NAMES) return word as LanguageId;
  const named = Object.entries(LANGUAGE_NAMES).find(([, name]) => name.toLowerCase() === word)?.[0];
  return (named as LanguageId | undefined) ?? BY_EXTENSION[word] ?? (word === 'console' ? 'shell' : null);
}

/** For people. */
export const languageName = (language: LanguageId | null): string => (language === null ? 'Plain text' : LANGUAGE_NAMES[language]);
