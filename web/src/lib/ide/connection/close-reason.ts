import { CLOSE_CODES } from '@gatehouse/core/protocol/close.ts';
import type { Ended } from './ports.ts';

const REASONS: Record<number, Pick<Ended, 'why' | 'detail'>> = {
  [CLOSE_CODES.protocol.code]: {
    why: 'broken',
    detail: 'This page and the workspace did not understand each other. One of the two may be out of date.',
  },
  [CLOSE_CODES.unauthenticated.code]: { why: 'signed-out', detail: 'Your session has ended. Sign in again to go on where you were.' },
  [CLOSE_CODES.revoked.code]: {
    why: 'revoked',
    detail: 'What you may do was changed, and this workspace was closed to you at once.',
  },
  [CLOSE_CODES.gone.code]: { why: 'gone', detail: 'This workspace does not exist any more.' },
  [CLOSE_CODES.replaced.code]: { why: 'replaced', detail: 'You opened this workspace again somewhere else, and that page took over.' },
  [CLOSE_CODES.idle.code]: {
    why: 'idle',
    detail: 'Nothing was typed or saved for as long as your organisation allows. Programs run on, and nothing is lost.',
  },
  [CLOSE_CODES.stopped.code]: { why: 'stopped', detail: 'The workspace was stopped. Its files are kept.' },
};

/** What a close code that forbids another attempt means for the person in front of the page. */
export function endOf(code: number): Ended {
  const known = REASONS[code] ?? { why: 'broken', detail: `The connection was closed for good (${code}).` };
  return { ...known, requestId: null };
}
