import { getCSSLanguageService, getLESSLanguageService, getSCSSLanguageService } from 'vscode-css-languageservice';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import type { Language } from './language.ts';

/** CSS, SCSS and Less. */
export function cssLanguage(): Language {
  const [css, scss, less] = [getCSSLanguageService(), getSCSSLanguageService(), getLESSLanguageService()];
  const of = (document: TextDocument) => {
    const service = document.languageId === 'scss' ? scss : document.languageId === 'less' ? less : css;
    return { service, sheet: service.parseStylesheet(document) };
  };
  return {
    capabilities: {
      completionProvider: { triggerCharacters: ['/', '-', ':'] },
      ...{ hoverProvider: true, documentSymbolProvider: true, documentFormattingProvider: true, documentHighlightProvider: true },
      ...{ definitionProvider: true, referencesProvider: true, renameProvider: true, codeActionProvider: true },
    },
    complete: (document, { position }) => {
      const { service, sheet } = of(document);
      return service.doComplete(document, position, sheet);
    },
    hover: (document, { position }) => {
      const { service, sheet } = of(document);
      return service.doHover(document, position, sheet);
    },
    symbols: (document) => {
      const { service, sheet } = of(document);
      return service.findDocumentSymbols2(document, sheet);
    },
    format: (document, { options }) => of(document).service.format(document, undefined, options),
    highlight: (document, { position }) => {
      const { service, sheet } = of(document);
      return service.findDocumentHighlights(document, position, sheet);
    },
    definition: (document, { position }) => {
      const { service, sheet } = of(document);
      return service.findDefinition(document, position, sheet);
    },
    references: (document, { position }) => {
      const { service, sheet } = of(document);
      return service.findReferences(document, position, sheet);
    },
    rename: (document, { position, newName }) => {
      const { service, sheet } = of(document);
      return service.doRename(document, position, newName, sheet);
    },
    actions: (document, { range, context }) => {
      const { service, sheet } = of(document);
      return service.doCodeActions2(document, range, context, sheet);
    },
    validate: (document) => {
      const { service, sheet } = of(document);
      return service.doValidation(document, sheet);
    },
  };
}
