import { session } from '#lib/session/session.svelte.ts';
import { begin, type BrowserUser } from './begin-connection.ts';
import type { Begun } from './connection/held-events.ts';

/** So long a connection waits for an IDE: where none comes, nobody is shown as being there. */
const PATIENCE_MS = 60_000;

/** The connection that the page of a workspace begins while the IDE’s code, most of what it loads, is still on its way. */
export class Ahead {
  #begun: (Begun & { workspaceId: string }) | null = null;
  /** An IDE is there: it begins its connections itself. */
  #over = false;
  readonly #start: typeof begin;

  constructor(start: typeof begin) {
    this.#start = start;
  }

  /** Begins it for whoever is signed in, with a session that workspaces open for. What keeps somebody out, the page itself says. */
  async begin(workspaceId: string): Promise<void> {
    const me = await session.ensure().catch(() => null);
    if (this.#over || me === null || me.secondFactor.missing || !me.session.hasKey) return;
    this.#begun = { workspaceId, ...this.#start(workspaceId, { id: me.user.id, tenantId: me.tenant.id }) };
    setTimeout(() => this.#end(), PATIENCE_MS);
  }

  /** What was begun, else what begins now. */
  take(workspaceId: string, user: BrowserUser): Begun {
    const begun = this.#begun;
    this.#over = true;
    if (begun?.workspaceId !== workspaceId) this.#end();
    this.#begun = null;
    return begun?.workspaceId === workspaceId ? begun : this.#start(workspaceId, user);
  }

  #end(): void {
    this.#begun?.connection.stop();
    this.#begun = null;
  }
}

export const ahead = new Ahead(begin);
