import type {
  CodeAction,
  CodeActionParams,
  CompletionList,
  CompletionParams,
  Definition,
  Diagnostic,
  DocumentFormattingParams,
  DocumentHighlight,
  DocumentSymbol,
  Hover,
  Location,
  RenameParams,
  ServerCapabilities,
  SymbolInformation,
  TextDocumentPositionParams,
  TextEdit,
  WorkspaceEdit,
} from 'vscode-languageserver';
import type { TextDocument } from 'vscode-languageserver-textdocument';

type Answer<T> = T | null | PromiseLike<T | null>;

/** What a language can say about a document; what is left out it can't. */
export interface Language {
  capabilities: ServerCapabilities;
  complete?(document: TextDocument, asked: CompletionParams): Answer<CompletionList>;
  hover?(document: TextDocument, asked: TextDocumentPositionParams): Answer<Hover>;
  symbols?(document: TextDocument): Answer<DocumentSymbol[] | SymbolInformation[]>;
  format?(document: TextDocument, asked: DocumentFormattingParams): Answer<TextEdit[]>;
  highlight?(document: TextDocument, asked: TextDocumentPositionParams): Answer<DocumentHighlight[]>;
  definition?(document: TextDocument, asked: TextDocumentPositionParams): Answer<Definition>;
  references?(document: TextDocument, asked: TextDocumentPositionParams): Answer<Location[]>;
  rename?(document: TextDocument, asked: RenameParams): Answer<WorkspaceEdit>;
  actions?(document: TextDocument, asked: CodeActionParams): Answer<CodeAction[]>;
  validate?(document: TextDocument): Diagnostic[] | Promise<Diagnostic[]>;
}
