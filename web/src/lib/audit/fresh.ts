import type { AuditEvent } from '@gatehouse/core/audit/event.ts';

/** Tells events that came already from new ones: a page and the stream may bring the same. */
export class Fresh {
  #known = new Set<string>();

  /** Those that had not come yet; from now on they have. */
  of(events: readonly AuditEvent[]): AuditEvent[] {
    return events.filter(({ id }) => {
      const isNew = !this.#known.has(id);
      this.#known.add(id);
      return isNew;
    });
  }

  forget(): void {
    this.#known = new Set();
  }
}
