import type { Permission } from '@gatehouse/core/access/permissions.ts';
import type { Me } from '@gatehouse/core/api/identity.ts';
import * as identity from '#lib/api/identity.ts';

const SLUG_KEY = 'gatehouse.organisation';

/** Who is signed in in this browser. What it says only decides what is shown: the API decides what is allowed. */
class Session {
  me = $state.raw<Me | null>(null);
  #known = false;
  #asking: Promise<Me | null> | null = null;

  can(permission: Permission): boolean {
    return this.me?.permissions.includes(permission) ?? false;
  }

  /** Asks the API once, however many ask here; later calls answer from memory. @throws ApiProblem */
  async ensure(): Promise<Me | null> {
    if (!this.#known) await (this.#asking ??= this.refresh().finally(() => (this.#asking = null)));
    return this.me;
  }

  /** Asks the API again. @throws ApiProblem */
  async refresh(): Promise<Me | null> {
    const me = await identity.current();
    if (me === null) this.ended();
    else this.began(me);
    return this.me;
  }

  /** Looks whether roles or anything else changed meanwhile. What can't be asked now is asked the next time. */
  async look(): Promise<void> {
    const me = await identity.current().catch(() => null);
    // Whatever depends on it is read again only where it is another.
    if (me !== null && JSON.stringify(me) !== JSON.stringify(this.me)) this.began(me);
  }

  began(me: Me): void {
    this.me = me;
    this.#known = true;
    localStorage.setItem(SLUG_KEY, me.tenant.slug);
    // Too late, and workspaces say so when they are opened.
    if (!me.session.hasKey) void identity.bindKey().catch(() => undefined);
  }

  /** The person has proved again who they are. */
  confirmed(authenticatedAt: string): void {
    if (this.me) this.me = { ...this.me, session: { ...this.me.session, authenticatedAt } };
  }

  ended(): void {
    this.me = null;
    this.#known = true;
  }

  /** the organisation that this browser signed in to last; '' when there was none */
  get lastOrganisation(): string {
    return localStorage.getItem(SLUG_KEY) ?? '';
  }
}

export const session = new Session();
