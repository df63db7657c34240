import * as workspaces from '#lib/api/workspaces.ts';
import { browserClock } from './connection/ports.ts';
import { socketTo } from './connection/browser-socket.ts';
import { draftsIn } from './editor/drafts.ts';
import { Ide } from './ide.svelte.ts';
import { actionOf } from './keys.ts';
import { clientId, memoryIn } from './memory.ts';
import { echoChoice } from './terminals/prediction/echo-choice.svelte.ts';
import { XtermScreen } from './terminals/xterm-screen.ts';

/** The IDE of one workspace on the real things of this browser. @param userId whose drafts and tabs these are */
export function browserIde(workspaceId: string, userId: string): Ide {
  const scope = `${userId}.${workspaceId}`;
  return new Ide({
    api: {
      attach: () => workspaces.attach(workspaceId),
      get: () => workspaces.get(workspaceId),
      start: () => workspaces.start(workspaceId),
    },
    openSocket: socketTo(workspaceId),
    clock: browserClock,
    random: Math.random,
    clientId: clientId(sessionStorage, () => crypto.randomUUID()),
    drafts: draftsIn(indexedDB, scope),
    memory: memoryIn(localStorage, scope),
    makeScreen: (ide) => (terminal, size) =>
      new XtermScreen(
        size,
        {
          input: (text) => terminal.input(text),
          resized: (next) => terminal.link.resize(next),
          key: (event) => takesKey(ide, terminal.screen, event),
          confirmPaste: (lines) => confirmPaste(ide, lines),
        },
        {
          mode: () => echoChoice.mode,
          drives: () => ide.connection.kind === 'connected' && terminal.interactive,
          latency: () => ide.latency,
        },
      ),
  });
}

/** Keys of the page that a terminal's program must not get. Those of the table are acted on by the page. */
function takesKey(ide: Ide, screen: XtermScreen, event: KeyboardEvent): boolean {
  if (actionOf(event, true) !== null) return true;
  if (!event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return false;
  const isDown = event.type === 'keydown';
  if (event.key === 'f' && !screen.fullScreen) {
    if (isDown) {
      event.preventDefault();
      ide.terminals.searching = true;
    }
    return true;
  }
  if (event.key === 'c' && screen.selection !== '') {
    if (isDown) {
      event.preventDefault();
      void navigator.clipboard.writeText(screen.selection);
      screen.clearSelection();
    }
    return true;
  }
  return false;
}

async function confirmPaste(ide: Ide, lines: number): Promise<boolean> {
  const answer = await ide.prompts.ask({
    title: lines === 1 ? 'Paste a line and its end?' : `Paste ${lines} lines?`,
    text: 'The program in this terminal does not tell pasted text from typed text: each line runs as soon as it arrives.',
    choices: [{ label: 'Paste', look: 'primary', value: 'paste' }],
  });
  return answer === 'paste';
}
