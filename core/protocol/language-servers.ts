import { z } from 'zod';

/** Language servers: which there are, how they are found and started, and what is said about them. */

export const SERVER_IDS = ['typescript', 'python', 'html', 'css', 'json', 'go', 'rust', 'svelte', 'yaml', 'bash'] as const;
export type ServerId = (typeof SERVER_IDS)[number];

/** A program that may serve a language. */
export interface ServerProgram {
  /** name of a program that the workspace may have; or what the runner brings along */
  name: string;
  kind: 'installed' | 'shipped';
  args: readonly string[];
  /** only where the project has this package, at least of that version */
  needs?: { package: string; major: number };
}

export interface LanguageServer {
  /** what it is for, as people say it */
  name: string;
  /** the protocol's name of the language, by how a file's name ends */
  languages: Readonly<Record<string, string>>;
  /** in the order of preference */
  programs: readonly ServerProgram[];
  /** where programs are looked for before PATH: in the root's folder and each one above it, up to the home */
  folders: readonly string[];
  /** a folder with one of these is a project */
  roots: readonly string[];
  initializationOptions?: object;
  /** what it is told of its settings, by section */
  settings?: Readonly<Record<string, unknown>>;
  /** a command for the workspace's shell that installs it; null: it always is there */
  install: string | null;
}

const installed = (name: string, ...args: string[]): ServerProgram => ({ name, kind: 'installed', args });
const shipped = (name: string, ...args: string[]): ServerProgram => ({ name, kind: 'shipped', args });
const NODE_BIN = ['node_modules/.bin'];
/** for the user alone: a global folder is read-only in a sandbox */
const npm = (...packages: string[]): string => `npm install --prefix "$HOME/.local" -g ${packages.join(' ')}`;

/** A rename means the thing, not this file's name for it; and types are fetched by whoever installs packages, not by opening a file. */
const TYPESCRIPT = {
  preferences: { useAliasesForRenames: false, providePrefixAndSuffixTextForRename: false },
  disableAutomaticTypeAcquisition: true,
  tsserver: { automaticTypeAcquisition: { enabled: false } },
};

export const SERVERS: Readonly<Record<ServerId, LanguageServer>> = {
  typescript: {
    name: 'TypeScript and JavaScript',
    languages: {
      ...{ ts: 'typescript', mts: 'typescript', cts: 'typescript', tsx: 'typescriptreact' },
      ...{ js: 'javascript', mjs: 'javascript', cjs: 'javascript', jsx: 'javascriptreact' },
    },
    programs: [
      { ...installed('tsc', '--lsp', '--stdio'), needs: { package: 'typescript', major: 7 } },
      installed('typescript-language-server', '--stdio'),
      installed('vtsls', '--stdio'),
      shipped('typescript', '--lsp', '--stdio'),
    ],
    folders: NODE_BIN,
    roots: ['package.json', 'tsconfig.json', 'jsconfig.json'],
    initializationOptions: {
      disableAutomaticTypingAcquisition: true,
      preferences: { ...TYPESCRIPT.preferences, disableAutomaticTypeAcquisition: true },
    },
    settings: { 'js/ts': TYPESCRIPT, typescript: TYPESCRIPT, javascript: TYPESCRIPT },
    install: null,
  },
  python: {
    name: 'Python',
    languages: { py: 'python', pyi: 'python' },
    programs: [
      installed('basedpyright-langserver', '--stdio'),
      installed('pyright-langserver', '--stdio'),
      installed('pylsp'),
      shipped('pyright', '--stdio'),
    ],
    folders: ['.venv/bin', ...NODE_BIN],
    roots: ['pyproject.toml', 'setup.py', 'setup.cfg', 'requirements.txt', 'pyrightconfig.json'],
    settings: { python: { analysis: { autoSearchPaths: true, diagnosticMode: 'openFilesOnly', useLibraryCodeForTypes: true } } },
    install: null,
  },
  html: {
    name: 'HTML',
    languages: { html: 'html', htm: 'html' },
    programs: [installed('vscode-html-language-server', '--stdio'), shipped('web', 'html')],
    ...{ folders: NODE_BIN, roots: ['package.json'], initializationOptions: { provideFormatter: true }, install: null },
  },
  css: {
    name: 'CSS',
    languages: { css: 'css', scss: 'scss', less: 'less' },
    programs: [installed('vscode-css-language-server', '--stdio'), shipped('web', 'css')],
    ...{ folders: NODE_BIN, roots: ['package.json'], initializationOptions: { provideFormatter: true }, install: null },
  },
  json: {
    name: 'JSON',
    languages: { json: 'json', jsonc: 'jsonc' },
    programs: [installed('vscode-json-language-server', '--stdio'), shipped('web', 'json')],
    ...{ folders: NODE_BIN, roots: ['package.json'], initializationOptions: { provideFormatter: true }, install: null },
  },
  go: {
    name: 'Go',
    languages: { go: 'go', mod: 'go.mod' },
    programs: [installed('gopls')],
    folders: ['go/bin'],
    roots: ['go.work', 'go.mod'],
    install: 'GOBIN="$HOME/.local/bin" go install golang.org/x/tools/gopls@latest',
  },
  rust: {
    name: 'Rust',
    languages: { rs: 'rust' },
    programs: [installed('rust-analyzer')],
    folders: ['.cargo/bin'],
    roots: ['Cargo.toml'],
    install: 'rustup component add rust-analyzer',
  },
  svelte: {
    name: 'Svelte',
    languages: { svelte: 'svelte' },
    programs: [installed('svelteserver', '--stdio')],
    ...{ folders: NODE_BIN, roots: ['package.json'], install: npm('svelte-language-server') },
  },
  yaml: {
    name: 'YAML',
    languages: { yaml: 'yaml', yml: 'yaml' },
    programs: [installed('yaml-language-server', '--stdio')],
    ...{ folders: NODE_BIN, roots: ['package.json'], install: npm('yaml-language-server') },
  },
  bash: {
    name: 'Shell scripts',
    languages: { sh: 'shellscript', bash: 'shellscript' },
    programs: [installed('bash-language-server', 'start')],
    ...{ folders: NODE_BIN, roots: [], install: npm('bash-language-server') },
  },
};

/** Which server a file is for, and what the protocol calls its language; null: none. */
export function serverFor(path: string): { server: ServerId; language: string } | null {
  const name = path.slice(path.lastIndexOf('/') + 1).toLowerCase();
  const ending = name.includes('.') ? name.slice(name.lastIndexOf('.') + 1) : '';
  for (const server of SERVER_IDS) {
    const { languages } = SERVERS[server];
    if (Object.hasOwn(languages, ending)) return { server, language: languages[ending] ?? ending };
  }
  return null;
}

/** One server for a file: the root of its project, and the program that would serve it; null: none was found. */
export const lspServer = z.object({
  server: z.enum(SERVER_IDS),
  root: z.string().max(4096),
  program: z.string().max(200).nullable(),
});
export type LspServer = z.infer<typeof lspServer>;
/** `server` null: no server is known for such a file */
export const lspServers = z.object({ ok: z.literal(true), server: lspServer.nullable() });

export const lspOpened = z.object({ ok: z.literal(true), program: z.string().max(200) });

/** At most so many servers run in one workspace. */
export const MOST_SERVERS = 12;
/** of one `log` message */
export const MOST_LOG = 8_000;

/** Beside the protocol's bytes: what the program printed on its error output, and that it has ended. */
export const lspMessage = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('log'), text: z.string().max(MOST_LOG) }),
  z.object({ kind: z.literal('exit'), code: z.number().int().nullable(), signal: z.string().max(20).nullable() }),
]);
export type LspMessage = z.infer<typeof lspMessage>;
