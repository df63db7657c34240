import type { Extension } from '@codemirror/state';
import { EditorView, ViewPlugin } from '@codemirror/view';
import { CodeMirror, getCM, vim, Vim } from '@replit/codemirror-vim';
import type { ClipboardRule } from '../../clipboard.ts';
import { documentFacet } from '../document-facet.ts';
import type { CodeEditorEvents } from '../editor-events.ts';
import { editorEvents } from '../editor-events.ts';
import { redoShared, undoShared } from '../undo.ts';

type Editor = Parameters<typeof undoShared>[0];

/** Vim's keys and commands. `:w`, `:q`, `:wq` and `:x` do what they do in the IDE. */
export function vimKeys(rule: ClipboardRule): Extension {
  teach();
  guard(rule);
  return [
    vim({ status: false }),
    theme,
    ViewPlugin.define((view) => {
      const events = view.state.facet(editorEvents);
      const tell = ({ mode, subMode }: { mode: string; subMode?: string }): void =>
        events?.vimMode(subMode === 'linewise' ? 'visual line' : subMode === 'blockwise' ? 'visual block' : mode);
      const editor = getCM(view);
      const named = (): void => nameLine(editor?.state.dialog);
      editor?.on('vim-mode-change', tell);
      editor?.on('dialog', named);
      tell({ mode: 'normal' });
      return {
        destroy: () => {
          editor?.off('vim-mode-change', tell);
          editor?.off('dialog', named);
          events?.vimMode(null);
        },
      };
    }),
  ];
}

/** Vim's own colours are the same by day and by night, and the letter below its cursor could not be read. */
const theme = EditorView.theme({
  '&.cm-focused .cm-fat-cursor': { background: 'var(--accent-solid)', color: 'var(--accent-fg) !important' },
  '&:not(.cm-focused) .cm-cursorLayer .cm-fat-cursor': { outline: '1px solid var(--accent)' },
  '.cm-vim-panel': { fontFamily: 'var(--font-mono)', padding: '2px 14px', minHeight: '24px' },
});

/** Those who don't see Vim's line hear what it is for, or what it says. */
function nameLine(line: Element | null | undefined): void {
  const input = line?.querySelector('input');
  if (input) input.setAttribute('aria-label', line?.textContent?.startsWith(':') ? 'Command of Vim' : 'Search with Vim');
  else line?.setAttribute('role', 'alert');
}

/** Vim's table of commands is one for the page; saying the same again changes nothing. */
function teach(): void {
  const within = (act: (events: CodeEditorEvents, view: Editor) => unknown) => (editor: { cm6?: Editor }) => {
    const events = editor.cm6?.state.facet(editorEvents);
    if (events && editor.cm6 !== undefined) void act(events, editor.cm6);
  };
  const save = (events: CodeEditorEvents, { state }: Editor): Promise<boolean> => {
    const document = state.facet(documentFacet);
    return document === null ? Promise.resolve(false) : events.save(document);
  };
  const saveAndClose = within(async (events, view) => (await save(events, view)) && events.close());
  Vim.defineEx('write', 'w', within(save));
  Vim.defineEx(
    'quit',
    'q',
    within((events) => events.close()),
  );
  Vim.defineEx('wq', 'wq', saveAndClose);
  Vim.defineEx('xit', 'x', saveAndClose);
  // The history is that of the text, whichever editor it was typed in.
  CodeMirror.commands.undo = ({ cm6 }: CodeMirror) => void undoShared(cm6);
  CodeMirror.commands.redo = ({ cm6 }: CodeMirror) => void redoShared(cm6);
}

interface Register {
  toString(): string;
}
interface Actions {
  continuePaste(editor: unknown, args: { registerName?: string | null }, state: unknown, text: string, register: Register): void;
}

/** The register `+` is the system's clipboard, which Vim reaches without the events that the page listens to. */
function guard(rule: ClipboardRule): void {
  const controller = Vim.getRegisterController();
  const push = Object.getPrototypeOf(controller).pushText as typeof controller.pushText;
  controller.pushText = (name, operator, text, linewise, blockwise) => {
    const register = name === '+' && !rule.copy(text) ? '"' : name;
    push.call(controller, register, operator, text, linewise, blockwise);
  };
  Vim.defineAction('paste', function (this: Actions, editor, args, state) {
    const register = controller.getRegister(args.registerName);
    if (args.registerName !== '+') return this.continuePaste(editor, args, state, register.toString(), register);
    void navigator.clipboard.readText().then((text) => {
      const inside = rule.insideOf(text);
      if (inside !== null || rule.mayPaste(text)) this.continuePaste(editor, args, state, inside ?? text, register);
    });
  });
}
