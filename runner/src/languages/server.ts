import process from 'node:process';
import {
  createConnection,
  ProposedFeatures,
  TextDocuments,
  TextDocumentSyncKind,
  type InitializeResult,
} from 'vscode-languageserver/node.js';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { cssLanguage } from './css.ts';
import { htmlLanguage } from './html.ts';
import { jsonLanguage } from './json.ts';
import type { Language } from './language.ts';

/** A language server over standard input and output. Its argument is the language: html, css or json. */

const LANGUAGES: Record<string, () => Language> = {
  html: htmlLanguage,
  css: cssLanguage,
  json: jsonLanguage,
};

/** After the last key. */
const VALIDATE_MS = 200;

const connection = createConnection(ProposedFeatures.all, process.stdin, process.stdout);
const documents = new TextDocuments(TextDocument);
const language = (LANGUAGES[process.argv[2] ?? ''] ?? jsonLanguage)();

connection.onInitialize((): InitializeResult => ({
  capabilities: { textDocumentSync: TextDocumentSyncKind.Incremental, ...language.capabilities },
  serverInfo: { name: `Gatehouse ${process.argv[2] ?? ''}` },
}));

/** Answers about a document that is open; about another one there is nothing to say. */
const about = <Asked extends { textDocument: { uri: string } }, Answer>(
  work: ((document: TextDocument, asked: Asked) => Answer) | undefined,
): ((asked: Asked) => Answer | null) => {
  return (asked) => {
    const document = documents.get(asked.textDocument.uri);
    return document === undefined || work === undefined ? null : work(document, asked);
  };
};

connection.onCompletion(about(language.complete));
connection.onHover(about(language.hover));
connection.onDocumentSymbol(about(language.symbols));
connection.onDocumentFormatting(about(language.format));
connection.onDocumentHighlight(about(language.highlight));
connection.onDefinition(about(language.definition));
connection.onReferences(about(language.references));
connection.onRenameRequest(about(language.rename));
connection.onCodeAction(about(language.actions));

const waiting = new Map<string, NodeJS.Timeout>();
const validate = async (document: TextDocument): Promise<void> => {
  waiting.delete(document.uri);
  const diagnostics = (await language.validate?.(document)) ?? [];
  await connection.sendDiagnostics({ uri: document.uri, version: document.version, diagnostics });
};
documents.onDidChangeContent(({ document }) => {
  clearTimeout(waiting.get(document.uri));
  waiting.set(
    document.uri,
    setTimeout(() => void validate(document), VALIDATE_MS),
  );
});
documents.onDidClose(({ document }) => {
  clearTimeout(waiting.get(document.uri));
  void connection.sendDiagnostics({ uri: document.uri, diagnostics: [] });
});

documents.listen(connection);
connection.listen();
