import { z } from 'zod';
import { taskRef } from './tasks.ts';

/** What stands with a terminal beside its name. A value that this release does not know is as if there were none. */

export const TERMINAL_COLORS = ['red', 'green', 'yellow', 'blue', 'magenta', 'cyan'] as const;
export type TerminalColor = (typeof TERMINAL_COLORS)[number];
export const TERMINAL_ICONS = ['server', 'flask', 'hammer', 'bug', 'database', 'rocket', 'bot', 'star'] as const;
export type TerminalIcon = (typeof TERMINAL_ICONS)[number];

export const terminalLook = z.object({
  color: z.enum(TERMINAL_COLORS).nullable().catch(null),
  icon: z.enum(TERMINAL_ICONS).nullable().catch(null),
});
export type TerminalLook = z.infer<typeof terminalLook>;
export const PLAIN: TerminalLook = { color: null, icon: null };

/** `task`: the terminal is that task’s, and ends with it; null: a shell’s */
export const terminalTraits = {
  look: terminalLook.default(PLAIN),
  task: taskRef.nullable().default(null).catch(null),
};
