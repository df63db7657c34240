import type { AuditEvent } from '@gatehouse/core/audit/event.ts';

/** Only what is new comes twice: more need not be remembered. */
const REMEMBERED = 5_000;

/** Tells events that came already from new ones: a page and the stream may bring the same. */
export class Fresh {
  #known = new Set<string>();

  /** Those that had not come yet; from now on they have. */
  of(events: readonly AuditEvent[]): AuditEvent[] {
    const fresh = events.filter(({ id }) => {
      const isNew = !this.#known.has(id);
      this.#known.add(id);
      return isNew;
    });
    for (const id of this.#known) {
      if (this.#known.size <= REMEMBERED) break;
      this.#known.delete(id);
    }
    return fresh;
  }

  forget(): void {
    this.#known = new Set();
  }
}
