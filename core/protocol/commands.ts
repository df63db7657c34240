import { screenLines, type ScreenLine } from './screen-text.ts';
import type { TapeEvent } from './recording.ts';

/** how prompts end: `user@host:~$ `, `# `, `% `, `> `, `❯ ` */
const PROMPT = /^(?:[^$#%❯]{0,120}[^\s$#%❯])?\s?[$#%❯] (\S.*)$/u;

/**
 * Lines that look like a prompt with a command behind it. Shells don't say where a command begins, unless they are told
 * to: so this is a guess by how prompts look, and what a program prints may look the same.
 */
export function commandsOf(events: readonly TapeEvent[]): ScreenLine[] {
  return screenLines(events).flatMap(({ time, text }) => {
    const command = PROMPT.exec(text)?.[1];
    return command === undefined ? [] : [{ time, text: command }];
  });
}
