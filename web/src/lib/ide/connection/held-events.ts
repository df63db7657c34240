import type { Attachment, Workspace } from '@gatehouse/core/api/workspaces.ts';
import type { Connection } from './connection.ts';
import type { ConnectionEvents } from './ports.ts';

/** What a page hears of its connection. */
export interface PageEvents extends ConnectionEvents {
  /** the service lets this page in */
  admitted(attachment: Attachment): void;
  /** what the workspace looks like, whenever that was read on the way */
  seen(workspace: Workspace): void;
}

/** A connection that is being made, and what it tells until somebody listens. */
export interface Begun {
  connection: Connection;
  /** Call it once. */
  listen(events: PageEvents): void;
}

/** What a connection tells before anybody listens: the last of each kind, in the order in which they came. Later everything passes at once. */
export class HeldEvents implements PageEvents {
  readonly #held = new Map<keyof PageEvents, (listener: PageEvents) => void>();
  #listener: PageEvents | null = null;

  readonly changed = this.#passing('changed');
  readonly admitted = this.#passing('admitted');
  readonly seen = this.#passing('seen');
  readonly connected = this.#passing('connected');
  readonly people = this.#passing('people');
  readonly notice = this.#passing('notice');
  readonly latency = this.#passing('latency');

  /** Tells the listener what is held, and from now on everything. */
  hand(listener: PageEvents): void {
    this.#listener = listener;
    const held = [...this.#held.values()];
    this.#held.clear();
    for (const tell of held) tell(listener);
  }

  #passing<K extends keyof PageEvents>(kind: K) {
    return (...said: Parameters<PageEvents[K]>): void => {
      const tell = (listener: PageEvents) => (listener[kind] as (...said: Parameters<PageEvents[K]>) => void)(...said);
      if (this.#listener !== null) return tell(this.#listener);
      this.#held.delete(kind);
      this.#held.set(kind, tell);
    };
  }
}
