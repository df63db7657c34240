import { FRESH_MINUTES } from '@gatehouse/core/api/factors.ts';
import { serverNow } from '#lib/api/server-clock.ts';
import { session } from '#lib/session/session.svelte.ts';

/** Asked for early, so that there is time left to do what it is for. */
const AHEAD_MINUTES = 4;

/** Asks the person to prove again who they are, when that was too long ago; `ConfirmIdentity` shows the question. */
class Confirmation {
  /** who waits for the answer */
  waiting = $state.raw<((confirmed: boolean) => void) | null>(null);

  /** @returns false when the person went away */
  async ensure(now = serverNow()): Promise<boolean> {
    const at = Date.parse(session.me?.session.authenticatedAt ?? '');
    if (now - at < (FRESH_MINUTES - AHEAD_MINUTES) * 60_000) return true;
    return new Promise((resolve) => (this.waiting = resolve));
  }

  answer(confirmed: boolean): void {
    this.waiting?.(confirmed);
    this.waiting = null;
  }
}

export const confirmation = new Confirmation();
