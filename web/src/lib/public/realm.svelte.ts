import { realmAsk } from '@gatehouse/core/api/sso.ts';
import * as sso from '#lib/api/sso.ts';

const WAIT = 250;

/** By which ways the organisation signs in that somebody is typing. */
export class Ways {
  found = $state.raw<sso.Realm | null>(null);

  /** Asks once nothing was typed for a moment. @returns what ends the asking */
  look(typed: { tenant: string; email: string }): () => void {
    const tenant = realmAsk.shape.tenant.safeParse(typed.tenant).data;
    const email = realmAsk.shape.email.safeParse(typed.email).data;
    const ask = { ...(tenant === undefined ? {} : { tenant }), ...(email === undefined ? {} : { email }) };
    const asking = new AbortController();
    if (Object.keys(ask).length === 0) {
      this.found = null;
      return () => undefined;
    }
    const timer = setTimeout(async () => {
      // Whoever has no such way signs in as always.
      const found = await sso.realm(ask, { signal: asking.signal }).catch(() => null);
      if (!asking.signal.aborted) this.found = found;
    }, WAIT);
    return () => (clearTimeout(timer), asking.abort());
  }
}
