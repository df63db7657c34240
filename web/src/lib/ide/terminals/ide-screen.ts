import { toast } from '#lib/toast.svelte.ts';
import { browserClock } from '../connection/ports.ts';
import { Delayed } from '../editor/delayed.ts';
import type { Ide } from '../ide.svelte.ts';
import { actionOf } from '../keys.ts';
import type { Terminal } from './terminal.svelte.ts';
import { commandOf } from './terminal-keys.ts';
import { TerminalNotices } from './terminal-notices.ts';
import type { Size } from './terminal-link.ts';
import { XtermScreen } from './xterm-screen.ts';

/** names that are asked for at once */
const MOST_NAMES = 200;
/** what a task prints has come to rest */
const REST_MS = 500;

/** The screen of a terminal on the real things of this browser. */
export function ideScreen(ide: Ide, terminal: Terminal<XtermScreen>, size: Size): XtermScreen {
  const notices = new TerminalNotices(
    {
      seen: () => isSeen(ide, terminal),
      visible: () => document.visibilityState === 'visible',
      wanted: () => ({ bell: ide.settings.now.bell === 'visual', finished: ide.settings.now.finishedNotice }),
      tell: ({ title, detail }) => toast(title, { description: detail ?? '' }),
      notify,
    },
    (mark) => (terminal.mark = mark),
  );
  const rest = new Delayed<Terminal<XtermScreen>>(browserClock, REST_MS);
  const copies = programCopies(ide, terminal);
  return new XtermScreen(
    size,
    {
      input: (text) => {
        if (text.includes('\r')) ide.tour.did('terminal');
        terminal.input(text);
      },
      fits: (room) => terminal.fits(room),
      key: (event) => takesKey(ide, terminal, event),
      confirmPaste: (lines) => confirmPaste(ide, lines),
      titled: (title) => (terminal.title = title.slice(0, 200)),
      rang: () => notices.rang(),
      wrote: () => {
        if (terminal.task !== null) rest.plan(terminal, () => void ide.tasks.look(terminal));
      },
      started: () => undefined,
      finished: ({ took, exit }) => notices.finished(terminal.name, took, exit),
      offered: copies,
      selected: (text) => {
        if (ide.settings.now.copyOnSelect && text !== '') ide.clipboard.copy(text);
      },
      address: (address, text) => void followOwn(ide, address, text),
      above: (command) => (terminal.above = command),
      locate: (from, names) => ide.locate(from, names.slice(0, MOST_NAMES)),
      open: (place) => ide.terminalTools.openPlace(place),
    },
    {
      mode: () => ide.settings.now.predictiveEcho,
      drives: () => ide.connection.kind === 'connected' && terminal.mayType && terminal.interactive,
      latency: () => ide.latency,
    },
  );
}

function isSeen({ terminals, layout }: Ide, terminal: Terminal<XtermScreen>): boolean {
  const shown = terminals.activeGroup?.terminals.includes(terminal) ?? false;
  return shown && layout.terminalsOpen && document.visibilityState === 'visible';
}

/** Only where somebody allowed notices; asking is theirs. */
function notify(title: string, body: string): void {
  if ('Notification' in window && Notification.permission === 'granted') new Notification(title, { body });
}

/** Keys of the page that a terminal's program must not get. Those of the table are acted on by the page. */
function takesKey(ide: Ide, terminal: Terminal<XtermScreen>, event: KeyboardEvent): boolean {
  if (actionOf(event, 'terminal', ide.settings.now.keys) !== null) return true;
  const { screen } = terminal;
  const isDown = event.type === 'keydown';
  const take = (act: () => unknown): boolean => {
    if (!isDown) return true;
    if (act() === false) return false;
    event.preventDefault();
    return true;
  };
  const command = commandOf(event);
  if (command !== null) return take(() => ide.terminalTools.run(command, terminal));
  // The browser then asks for the menu, as it does elsewhere.
  if (event.shiftKey && event.key === 'F10') return true;
  if (!event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return false;
  if (event.key === 'f' && !screen.fullScreen) return take(() => void (ide.terminals.searching = true));
  if (event.key === 'c' && screen.selection !== '') return take(() => void ide.terminalTools.copySelection(terminal));
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

/** OSC 8: a program chooses both what is shown and where it leads. Where they differ, whoever follows is told. */
async function followOwn(ide: Ide, address: string, text: string): Promise<void> {
  const { protocol, href } = new URL(address);
  if (protocol !== 'https:' && protocol !== 'http:') return;
  const answer =
    text.includes(address) ||
    (await ide.prompts.ask({
      title: 'Open this address?',
      text: href,
      choices: [{ label: 'Open', look: 'primary', value: 'open' }],
    }));
  if (answer) window.open(href, '_blank', 'noopener,noreferrer');
}

/** What a program puts on the clipboard goes there only where this page drives, by the policy's rule; each is told once. */
function programCopies(ide: Ide, terminal: Terminal<XtermScreen>): (text: string) => void {
  let told = false;
  const copied = () => {
    if (told) return;
    told = true;
    toast(`A program in “${terminal.name}” put text on your clipboard`, { description: 'Programs can write there, and never read.' });
  };
  const put = (text: string) => navigator.clipboard.writeText(text).then(copied);
  let refused = false;
  return (text) => {
    if (!terminal.mayType || refused) return;
    if (!ide.clipboard.mayCopy(text)) return void (refused = true);
    put(text).catch(() => {
      // some browsers let only a person's own press write
      toast(`A program in “${terminal.name}” wants text on your clipboard`, { action: { label: 'Copy', onClick: () => void put(text) } });
    });
  };
}
