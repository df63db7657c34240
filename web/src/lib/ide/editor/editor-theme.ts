import { HighlightStyle, syntaxHighlighting } from '@codemirror/language';
import type { Extension } from '@codemirror/state';
import { EditorView } from '@codemirror/view';
import { tags } from '@lezer/highlight';

/** The editor in the page's tokens. They carry both themes, so a change of theme needs nothing here. */
const theme = EditorView.theme({
  '&': { height: '100%', backgroundColor: 'var(--bg)', color: 'var(--fg)', fontSize: 'var(--code-size)' },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': {
    fontFamily: 'var(--font-mono)',
    fontFeatureSettings: '"calt" 0',
    lineHeight: 'var(--code-line)',
    overflow: 'auto',
  },
  '.cm-content': { caretColor: 'var(--accent)', padding: '4px 0' },
  '.cm-line': { padding: '0 14px 0 8px' },
  '.cm-cursor, .cm-dropCursor': { borderLeft: '2px solid var(--accent)', marginLeft: '-1px' },
  '.cm-gutters': { backgroundColor: 'var(--bg)', color: 'var(--fg-faint)', border: 'none' },
  '.cm-lineNumbers .cm-gutterElement': { minWidth: '44px', padding: '0 4px 0 0' },
  '.cm-foldGutter .cm-gutterElement': { width: '16px', textAlign: 'center', cursor: 'pointer' },
  '.cm-activeLine, .cm-activeLineGutter': { backgroundColor: 'var(--code-line-active)' },
  '.cm-activeLineGutter': { color: 'var(--fg)' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': {
    backgroundColor: 'var(--code-selection)',
  },
  '.cm-selectionMatch': { backgroundColor: 'var(--bg-active)' },
  '&.cm-focused .cm-matchingBracket': { backgroundColor: 'transparent', outline: '1px solid var(--border-control)' },
  '&.cm-focused .cm-nonmatchingBracket': { backgroundColor: 'var(--danger-quiet)', color: 'var(--danger)' },
  '.cm-searchMatch': { backgroundColor: 'transparent', outline: '1px solid var(--warning)' },
  '.cm-searchMatch.cm-searchMatch-selected': { backgroundColor: 'var(--code-selection)', outline: '1px solid var(--accent)' },
  '.cm-foldPlaceholder': { background: 'var(--neutral-quiet)', border: 'none', color: 'var(--fg-muted)', padding: '0 4px' },
  '.cm-specialChar': { color: 'var(--danger)' },
  '.cm-tooltip': {
    backgroundColor: 'var(--bg-raised)',
    border: 'none',
    boxShadow: 'var(--shadow-2)',
    borderRadius: 'var(--radius-2)',
    overflow: 'hidden',
  },
  '.cm-tooltip-autocomplete > ul': { fontFamily: 'var(--font-mono)' },
  '.cm-tooltip-autocomplete > ul > li[aria-selected]': { backgroundColor: 'var(--bg-selected)', color: 'var(--fg)' },
  // Above the text, and below dialogs and menus of the page, which CodeMirror's own number would be above.
  '.cm-panels': { zIndex: '6', backgroundColor: 'var(--bg-sunken)', color: 'var(--fg)' },
  '.cm-panels-top': { borderBottom: '1px solid var(--border)' },
  '.cm-panels-bottom': { borderTop: '1px solid var(--border)' },
  '.cm-textfield': {
    backgroundColor: 'var(--bg-control)',
    border: '1px solid var(--border-control)',
    borderRadius: 'var(--radius-2)',
    color: 'var(--fg)',
    fontSize: 'inherit',
    padding: '2px 8px',
  },
  '.cm-button': {
    backgroundColor: 'var(--bg-control)',
    backgroundImage: 'none',
    border: '1px solid var(--border)',
    borderRadius: 'var(--radius-2)',
    color: 'var(--fg)',
    fontSize: 'inherit',
    padding: '2px 8px',
  },
});

const highlight = HighlightStyle.define([
  { tag: [tags.keyword, tags.modifier, tags.operatorKeyword, tags.controlKeyword, tags.self], color: 'var(--code-keyword)' },
  { tag: [tags.string, tags.special(tags.string), tags.regexp, tags.inserted], color: 'var(--code-string)' },
  { tag: [tags.number, tags.bool, tags.null, tags.atom, tags.unit, tags.color], color: 'var(--code-number)' },
  { tag: [tags.typeName, tags.className, tags.namespace, tags.tagName], color: 'var(--code-type)' },
  {
    tag: [tags.function(tags.variableName), tags.function(tags.propertyName), tags.macroName, tags.labelName],
    color: 'var(--code-function)',
  },
  { tag: [tags.propertyName, tags.attributeName, tags.definition(tags.propertyName)], color: 'var(--code-property)' },
  { tag: [tags.comment, tags.meta, tags.processingInstruction], color: 'var(--code-comment)' },
  { tag: [tags.heading, tags.strong], fontWeight: 'var(--weight-strong)' },
  { tag: tags.heading, color: 'var(--code-function)' },
  { tag: tags.emphasis, fontStyle: 'italic' },
  { tag: tags.strikethrough, textDecoration: 'line-through' },
  { tag: [tags.link, tags.url], color: 'var(--code-type)', textDecoration: 'underline' },
  { tag: [tags.invalid, tags.deleted], color: 'var(--danger)' },
]);

export const editorTheme: Extension = [theme, syntaxHighlighting(highlight)];
