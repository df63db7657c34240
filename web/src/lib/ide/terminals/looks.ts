import type { TerminalColor, TerminalIcon } from '@gatehouse/core/protocol/terminals.ts';
import Bot from '@lucide/svelte/icons/bot';
import Bug from '@lucide/svelte/icons/bug';
import Database from '@lucide/svelte/icons/database';
import FlaskConical from '@lucide/svelte/icons/flask-conical';
import Hammer from '@lucide/svelte/icons/hammer';
import ListChecks from '@lucide/svelte/icons/list-checks';
import Rocket from '@lucide/svelte/icons/rocket';
import Server from '@lucide/svelte/icons/server';
import SquareTerminal from '@lucide/svelte/icons/square-terminal';
import Star from '@lucide/svelte/icons/star';
import type { Terminal } from './terminal.svelte.ts';

const ICONS: Record<TerminalIcon, typeof Bot> = {
  ...{ server: Server, flask: FlaskConical, hammer: Hammer, bug: Bug, database: Database, rocket: Rocket, bot: Bot, star: Star },
};

/** As people call them. */
export const ICON_WORDS: Record<TerminalIcon, string> = {
  ...{ server: 'Server', flask: 'Tests', hammer: 'Build', bug: 'Debugging', database: 'Database' },
  ...{ rocket: 'Deployment', bot: 'Agent', star: 'Star' },
};
export const COLOR_WORDS: Record<TerminalColor, string> = {
  ...{ red: 'Red', green: 'Green', yellow: 'Yellow', blue: 'Blue', magenta: 'Magenta', cyan: 'Cyan' },
};

export const iconOf = (icon: TerminalIcon): typeof Bot => ICONS[icon];
export const iconFor = ({ look, task }: Pick<Terminal, 'look' | 'task'>): typeof Bot =>
  look.icon !== null ? ICONS[look.icon] : task === null ? SquareTerminal : ListChecks;
