import type { LSPClientExtension } from '@codemirror/lsp-client';

/** What this page can do beside what its client says of itself. */
export const capabilities: LSPClientExtension = {
  clientCapabilities: {
    workspace: {
      ...{ configuration: true, workspaceFolders: true, applyEdit: true, executeCommand: {}, symbol: {} },
      workspaceEdit: { documentChanges: true },
      didChangeWatchedFiles: { dynamicRegistration: true, relativePatternSupport: true },
      didChangeConfiguration: { dynamicRegistration: true },
      diagnostics: { refreshSupport: true },
    },
    textDocument: {
      synchronization: { didSave: true },
      completion: {
        completionItem: {
          ...{ snippetSupport: true, labelDetailsSupport: true, deprecatedSupport: true, tagSupport: { valueSet: [1] } },
          resolveSupport: { properties: ['documentation', 'detail', 'additionalTextEdits'] },
        },
        completionList: { itemDefaults: ['editRange', 'insertTextFormat', 'data'] },
        completionItemKind: { valueSet: Array.from({ length: 25 }, (_, index) => index + 1) },
      },
      codeAction: {
        ...{ dataSupport: true, isPreferredSupport: true, disabledSupport: true },
        codeActionLiteralSupport: { codeActionKind: { valueSet: ['', 'quickfix', 'refactor', 'source', 'source.organizeImports'] } },
        resolveSupport: { properties: ['edit', 'command'] },
      },
      rename: { prepareSupport: true },
      documentSymbol: { hierarchicalDocumentSymbolSupport: true },
      ...{ definition: { linkSupport: true }, typeDefinition: { linkSupport: true }, implementation: { linkSupport: true } },
      publishDiagnostics: { versionSupport: true, tagSupport: { valueSet: [1, 2] } },
      documentHighlight: {},
    },
  },
};
