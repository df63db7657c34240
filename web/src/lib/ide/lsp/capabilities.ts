import type { LSPClientExtension } from '@codemirror/lsp-client';

/**
 * What this page can do beside what its client says of itself. No list may stand here that the client has, too: it would
 * merge them to something that is no list, and a server may then refuse to start.
 */
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
