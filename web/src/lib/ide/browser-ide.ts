import { webAead } from '@gatehouse/core/protocol/web-aead.ts';
import { toast } from 'svelte-sonner';
import * as blockedActs from '#lib/api/blocked-acts.ts';
import { isThere } from '#lib/api/deployment.ts';
import * as ideSettings from '#lib/api/ide-settings.ts';
import { browserKey } from '#lib/api/proof.ts';
import * as workspaces from '#lib/api/workspaces.ts';
import { socketTo } from './connection/browser-socket.ts';
import { pinsIn } from './connection/pins.ts';
import { browserClock } from './connection/ports.ts';
import { draftsIn } from './editor/drafts.ts';
import { Ide } from './ide.svelte.ts';
import { actionOf } from './keys.ts';
import { memoryIn } from './memory.ts';
import { Settings } from './settings/settings.svelte.ts';
import { XtermScreen } from './terminals/xterm-screen.ts';

/** how long the owner is told that somebody else came; milliseconds */
const WEIGHTY_MS = 15_000;

/** The IDE of one workspace on the real things of this browser. @param user whose drafts, tabs and memories these are */
export function browserIde(workspaceId: string, user: { id: string; tenantId: string }): Ide {
  const scope = `${user.id}.${workspaceId}`;
  return new Ide({
    api: {
      attach: (key) => workspaces.attach(workspaceId, key),
      get: () => workspaces.get(workspaceId),
      start: () => workspaces.start(workspaceId),
      stop: () => workspaces.stop(workspaceId),
      restart: () => workspaces.restart(workspaceId),
    },
    workspaceId,
    userId: user.id,
    isThere,
    openSocket: socketTo(workspaceId),
    clock: browserClock,
    random: Math.random,
    clientId: crypto.randomUUID(),
    key: browserKey,
    pins: pinsIn(localStorage, `${user.tenantId}.${user.id}`),
    makeAead: webAead,
    online: () => navigator.onLine,
    makeKey: () => crypto.randomUUID(),
    tell: ({ title, detail, weighty }) => toast(title, { description: detail ?? '', ...(weighty ? { duration: WEIGHTY_MS } : {}) }),
    failed: (what, why) => toast.error(what, { description: why }),
    drafts: draftsIn(indexedDB, scope),
    memory: memoryIn(localStorage, scope),
    settings: new Settings(localStorage, { userId: user.id, clock: browserClock, ...ideSettings }),
    tellBlocked: blockedActs.tell,
    writeClipboard: (text) => void navigator.clipboard.writeText(text).catch(() => undefined),
    makeScreen: (ide) => (terminal, size) =>
      new XtermScreen(
        size,
        {
          input: (text) => {
            if (text.includes('\r')) ide.tour.did('terminal');
            terminal.input(text);
          },
          fits: (room) => terminal.fits(room),
          key: (event) => takesKey(ide, terminal.screen, event),
          confirmPaste: (lines) => confirmPaste(ide, lines),
        },
        {
          mode: () => ide.settings.now.predictiveEcho,
          drives: () => ide.connection.kind === 'connected' && terminal.mayType && terminal.interactive,
          latency: () => ide.latency,
        },
      ),
  });
}

/** Keys of the page that a terminal's program must not get. Those of the table are acted on by the page. */
function takesKey(ide: Ide, screen: XtermScreen, event: KeyboardEvent): boolean {
  if (actionOf(event, true, ide.settings.now.keys) !== null) return true;
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
      ide.clipboard.copy(screen.selection);
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
