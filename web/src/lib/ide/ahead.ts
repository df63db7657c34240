import { session } from '#lib/session/session.svelte.ts';
import { begin, type BrowserUser } from './begin-connection.ts';
import type { Begun } from './connection/held-events.ts';

/** The connection that the page of a workspace begins while the IDE’s code, most of what it loads, is still on its way. */
class Ahead {
  #begun: (Begun & { workspaceId: string }) | null = null;
  /** An IDE is there: it begins its connections itself. */
  #over = false;

  /** Begins it for whoever is signed in. What keeps somebody out, the page itself says. */
  async begin(workspaceId: string): Promise<void> {
    const me = await session.ensure().catch(() => null);
    if (this.#over || me === null || me.secondFactor.missing) return;
    this.#begun = { workspaceId, ...begin(workspaceId, { id: me.user.id, tenantId: me.tenant.id }) };
  }

  /** What was begun, else what begins now. */
  take(workspaceId: string, user: BrowserUser): Begun {
    const begun = this.#begun;
    this.#begun = null;
    this.#over = true;
    if (begun?.workspaceId === workspaceId) return begun;
    begun?.connection.stop();
    return begin(workspaceId, user);
  }
}

export const ahead = new Ahead();
