import { z } from 'zod';

/** What language servers say, as far as this page acts on it. A server runs what people install: nothing of it is trusted. */

export const position = z.object({ line: z.number().int().min(0), character: z.number().int().min(0) });
export type Position = z.infer<typeof position>;
export const range = z.object({ start: position, end: position });
export type Range = z.infer<typeof range>;

const uri = z.string().max(8192);
export const location = z.object({ uri, range });
export type Location = z.infer<typeof location>;
const link = z
  .object({ targetUri: uri, targetRange: range, targetSelectionRange: range.optional() })
  .transform(({ targetUri, targetRange, targetSelectionRange }): Location => ({
    uri: targetUri,
    range: targetSelectionRange ?? targetRange,
  }));
/** of one answer; what lies beyond is left out */
const MOST_LOCATIONS = 5000;
export const locations = z
  .union([z.null(), location.transform((one) => [one]), z.array(z.union([location, link]))])
  .transform((found) => (found ?? []).slice(0, MOST_LOCATIONS));

export const textEdit = z.object({ range, newText: z.string() });
export type TextEdit = z.infer<typeof textEdit>;

const documentEdit = z.object({ textDocument: z.object({ uri, version: z.number().nullish() }), edits: z.array(textEdit) });
/** Edits of texts alone. `documentChanges` may also create, move and delete files: such an edit is refused as a whole. */
export const workspaceEdit = z
  .object({ changes: z.record(uri, z.array(textEdit)).optional(), documentChanges: z.array(documentEdit).optional() })
  .transform(({ changes, documentChanges }) => {
    const files = new Map<string, TextEdit[]>();
    const add = (name: string, edits: TextEdit[]) => files.set(name, [...(files.get(name) ?? []), ...edits]);
    if (documentChanges !== undefined) for (const { textDocument, edits } of documentChanges) add(textDocument.uri, edits);
    else for (const [name, edits] of Object.entries(changes ?? {})) add(name, edits);
    return files;
  });
export type WorkspaceEdit = z.output<typeof workspaceEdit>;

export const SEVERITIES = ['error', 'warning', 'info', 'hint'] as const;
export const diagnostic = z.looseObject({
  range,
  severity: z.number().int().min(1).max(4).optional(),
  message: z.union([z.string(), z.object({ value: z.string() }).transform(({ value }) => value)]),
  code: z.union([z.string(), z.number()]).nullish(),
  source: z.string().max(200).nullish(),
  tags: z.array(z.number()).nullish(),
});
export type Diagnostic = z.infer<typeof diagnostic>;
/** of one file */
export const MOST_DIAGNOSTICS = 2000;
const diagnostics = z.array(diagnostic).transform((all) => all.slice(0, MOST_DIAGNOSTICS));
export const published = z.object({ uri, version: z.number().nullish(), diagnostics });
export const pulled = z.union([
  z.object({ kind: z.literal('full'), items: diagnostics }),
  z.object({ kind: z.literal('unchanged') }),
  z.null(),
]);

const command = z.object({ title: z.string(), command: z.string(), arguments: z.array(z.unknown()).optional() });
export type Command = z.infer<typeof command>;
/** An action, or a bare command where `command` is its name. */
export const codeAction = z.looseObject({
  title: z.string().max(1000),
  kind: z.string().nullish(),
  isPreferred: z.boolean().nullish(),
  disabled: z.object({ reason: z.string() }).nullish(),
  edit: z.unknown().optional(),
  command: z.union([z.string(), command]).nullish(),
});
export type CodeAction = z.infer<typeof codeAction>;
export const codeActions = z.union([z.null(), z.array(codeAction)]).transform((actions) => (actions ?? []).slice(0, 200));

export interface DocumentSymbol {
  name: string;
  kind: number;
  range: Range;
  at: Range;
  detail: string;
  children: DocumentSymbol[];
}
const nested: z.ZodType<DocumentSymbol> = z.lazy(() =>
  z
    .object({
      name: z.string(),
      kind: z.number(),
      range,
      selectionRange: range,
      detail: z.string().nullish(),
      children: z.array(nested).nullish(),
    })
    .transform(({ name, kind, range: whole, selectionRange: at, detail, children }) => ({
      ...{ name, kind, range: whole, at, detail: detail ?? '', children: children ?? [] },
    })),
);
export const workspaceSymbol = z.object({
  name: z.string(),
  kind: z.number(),
  containerName: z.string().nullish(),
  location: z.object({ uri, range: range.optional() }),
});
export type WorkspaceSymbol = z.infer<typeof workspaceSymbol>;
export const workspaceSymbols = z.union([z.null(), z.array(workspaceSymbol)]).transform((all) => (all ?? []).slice(0, 500));
const flat = workspaceSymbol.transform(({ name, kind, containerName, location: { range: whole } }): DocumentSymbol => {
  const at = whole ?? { start: { line: 0, character: 0 }, end: { line: 0, character: 0 } };
  return { name, kind, range: at, at, detail: containerName ?? '', children: [] };
});
export const documentSymbols = z.union([z.null(), z.array(nested), z.array(flat)]).transform((all) => all ?? []);

export const prepared = z.union([
  z.null(),
  z.object({ range, placeholder: z.string() }),
  z.object({ defaultBehavior: z.boolean() }).transform(() => 'word' as const),
  range.transform((at) => ({ range: at, placeholder: null })),
]);

export const completionItem = z.looseObject({
  label: z.string().max(2000),
  kind: z.number().nullish(),
  detail: z.string().nullish(),
  labelDetails: z.object({ detail: z.string().nullish(), description: z.string().nullish() }).nullish(),
  documentation: z.unknown().optional(),
  sortText: z.string().nullish(),
  filterText: z.string().nullish(),
  insertText: z.string().nullish(),
  insertTextFormat: z.number().nullish(),
  textEdit: z.union([textEdit, z.object({ insert: range, replace: range, newText: z.string() })]).nullish(),
  textEditText: z.string().nullish(),
  additionalTextEdits: z.array(textEdit).nullish(),
  preselect: z.boolean().nullish(),
  tags: z.array(z.number()).nullish(),
});
export type CompletionItem = z.infer<typeof completionItem>;
const MOST_COMPLETIONS = 5000;
/** Each item is read by itself, as there may be thousands. */
const items = z.array(z.unknown()).transform((all) => all.slice(0, MOST_COMPLETIONS));
export const completions = z.union([
  z.null(),
  items.transform((all) => ({ isIncomplete: false, items: all, itemDefaults: undefined })),
  z.object({
    isIncomplete: z.boolean().nullish(),
    items,
    itemDefaults: z
      .object({
        editRange: z.union([range, z.object({ insert: range, replace: range })]).nullish(),
        insertTextFormat: z.number().nullish(),
        data: z.unknown().optional(),
      })
      .nullish(),
  }),
]);

export const highlights = z.union([z.null(), z.array(z.object({ range, kind: z.number().nullish() }))]).transform((all) => all ?? []);
export const textEdits = z.union([z.null(), z.array(textEdit)]).transform((edits) => edits ?? []);
