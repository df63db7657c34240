import { getLanguageService } from 'vscode-html-languageservice';
import type { Language } from './language.ts';

/** HTML; what is written in it in other languages is left to them. */
export function htmlLanguage(): Language {
  const service = getLanguageService();
  return {
    capabilities: {
      completionProvider: { triggerCharacters: ['<', '/', '"', '=', '.', ':', ' '] },
      ...{ hoverProvider: true, documentSymbolProvider: true, documentFormattingProvider: true },
      ...{ documentHighlightProvider: true, renameProvider: true },
    },
    complete: (document, { position }) => service.doComplete(document, position, service.parseHTMLDocument(document)),
    hover: (document, { position }) => service.doHover(document, position, service.parseHTMLDocument(document)),
    symbols: (document) => service.findDocumentSymbols2(document, service.parseHTMLDocument(document)),
    format: (document, { options }) => service.format(document, undefined, options),
    highlight: (document, { position }) => service.findDocumentHighlights(document, position, service.parseHTMLDocument(document)),
    rename: (document, { position, newName }) => service.doRename(document, position, newName, service.parseHTMLDocument(document)),
  };
}
