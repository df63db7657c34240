import type { Notices } from '@gatehouse/core/api/access.ts';
import * as access from '#lib/api/access.ts';

/** What waits for this person, as the navigation shows it. */
class NoticeBoard {
  shown = $state.raw<Notices>({ toDecide: 0, decided: 0 });

  /** Asks again. What can't be asked now is asked the next time: nobody waits for a figure in the navigation. */
  async refresh(): Promise<void> {
    try {
      this.shown = await access.notices();
    } catch {
      return;
    }
  }
}

export const noticeBoard = new NoticeBoard();
