import type { Terminal } from '@xterm/xterm';
import { commandWords } from './command-words.ts';
import type { ShellCommand } from './shell-marks.ts';

/** Marks a prompt with how its command ended. */
export function showMark(terminal: Terminal, command: ShellCommand): void {
  if (command.exit === null) return;
  const decoration = terminal.registerDecoration({ marker: command.prompt, x: 0, width: 1, layer: 'top' });
  decoration?.onRender((element) => {
    element.classList.add('command-dot');
    element.classList.toggle('failed', command.exit !== 0);
    element.title = commandWords(command);
  });
}
