import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { getLanguageService } from 'vscode-json-languageservice';
import type { Language } from './language.ts';

/** A schema that a document names is read where it is a file of the workspace; nothing is fetched. */
const readSchema = async (uri: string): Promise<string> => {
  if (!uri.startsWith('file:')) throw new Error('Only schemas in files are read');
  return readFile(fileURLToPath(uri), 'utf8');
};

const relative = {
  resolveRelativePath: (path: string, base: string) => new URL(path, base).href,
};

/** `ErrorCode.SchemaResolveError` */
const SCHEMA_NOT_READ = 0x300;

/** JSON, with comments where its name says so. */
export function jsonLanguage(): Language {
  const service = getLanguageService({ schemaRequestService: readSchema, workspaceContext: relative });
  service.configure({ validate: true, allowComments: false });
  return {
    capabilities: {
      completionProvider: { triggerCharacters: ['"', ':'] },
      ...{ hoverProvider: true, documentSymbolProvider: true, documentFormattingProvider: true },
    },
    complete: (document, { position }) => service.doComplete(document, position, service.parseJSONDocument(document)),
    hover: (document, { position }) => service.doHover(document, position, service.parseJSONDocument(document)),
    symbols: (document) => service.findDocumentSymbols2(document, service.parseJSONDocument(document)),
    format: (document, { options }) =>
      service.format(document, { start: { line: 0, character: 0 }, end: document.positionAt(document.getText().length) }, options),
    validate: async (document) => {
      const hasComments = document.languageId === 'jsonc' || /(^|\/)(tsconfig|jsconfig|\.vscode\/).*\.json$/.test(document.uri);
      const found = await service.doValidation(document, service.parseJSONDocument(document), {
        ...(hasComments ? { comments: 'ignore', trailingCommas: 'ignore' } : { comments: 'error', trailingCommas: 'error' }),
      });
      // A schema elsewhere is not the fault of who edits this file.
      return found.filter(({ code }) => code !== SCHEMA_NOT_READ);
    },
  };
}
