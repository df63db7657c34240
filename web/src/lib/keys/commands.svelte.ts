import { SvelteMap } from 'svelte/reactivity';
import type { Remap } from '#lib/ide/settings/remap.ts';

/** Something a person can do here: in the command palette, and by its keys. */
export interface Command {
  id: string;
  label: string;
  group: string;
  /** as written for people: `N`, `/`, `G W` (one after the other), `Ctrl K` */
  keys?: string;
  /** where people choose its keys themselves; their page, not this list, then hears them */
  remap?: Remap;
  run: () => unknown;
}

const SEQUENCE_WITHIN = 1000;

/** Whether single letters belong to the text that is being typed. */
function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof Element &&
    target.closest('input:not([type="checkbox"], [type="radio"]), textarea, select, [contenteditable="true"], .cm-editor, .xterm') !== null
  );
}

class Commands {
  readonly #all = new SvelteMap<string, Command>();
  #first: { key: string; at: number } | null = null;

  get list(): Command[] {
    return [...this.#all.values()];
  }

  add(command: Command): () => void {
    this.#all.set(command.id, command);
    return () => {
      if (this.#all.get(command.id) === command) this.#all.delete(command.id);
    };
  }

  /** Runs a command by its id, as the palette's button in the navigation does. */
  run(id: string): void {
    void this.#all.get(id)?.run();
  }

  /** Runs the command whose keys were pressed; a letter alone never works while typing or under a dialog. */
  press(event: KeyboardEvent): void {
    const pressed = this.#name(event);
    if (pressed === null || event.defaultPrevented) return;
    const withModifier = event.ctrlKey || event.metaKey;
    if (!withModifier && (isTyping(event.target) || document.querySelector('[role="dialog"], [role="menu"]') !== null)) return;
    const sequence = this.#first !== null && event.timeStamp - this.#first.at < SEQUENCE_WITHIN ? `${this.#first.key} ${pressed}` : null;
    this.#first = withModifier ? null : { key: pressed, at: event.timeStamp };
    const own = this.list.filter(({ remap }) => remap === undefined);
    const found = own.find(({ keys }) => keys === sequence) ?? own.find(({ keys }) => keys === pressed);
    if (found === undefined) return;
    this.#first = null;
    event.preventDefault();
    void found.run();
  }

  #name(event: KeyboardEvent): string | null {
    if (event.altKey || event.key.length !== 1) return null;
    const key = event.key.toUpperCase();
    return event.ctrlKey || event.metaKey ? `Ctrl ${key}` : key;
  }
}

export const commands = new Commands();

/** Offers commands while the component is there. Call it while a component is set up. */
export function offer(make: () => Command[]): void {
  $effect(() => {
    const removals = make().map((command) => commands.add(command));
    return () => removals.forEach((remove) => remove());
  });
}
