import { beforeEach, describe, expect, it } from 'vitest';
import { LONG_MS, TerminalNotices } from './terminal-notices.ts';

const state = { seen: false, visible: true, bell: true, finished: true };
let said: string[];
let notices: TerminalNotices;

beforeEach(() => {
  Object.assign(state, { seen: false, visible: true, bell: true, finished: true });
  said = [];
  notices = new TerminalNotices(
    {
      seen: () => state.seen,
      visible: () => state.visible,
      wanted: () => state,
      tell: ({ title, detail }) => said.push(`told: ${title}. ${detail}`),
      notify: (title, body) => said.push(`notified: ${title}. ${body}`),
    },
    (mark) => said.push(mark),
  );
});

describe('what happens in a terminal that nobody looks at', () => {
  it('marks its tab, and is told in the page, or by the system where the page is not in sight', () => {
    notices.finished('build', 65_000, 0);
    state.visible = false;
    notices.finished('build', 12_000, 2);
    expect(said).toEqual([
      ...['done', 'told: What ran in “build” has ended. It took 1 min 5 s.'],
      ...['failed', 'notified: What ran in “build” has ended. It failed with 2 after 12 s.'],
    ]);
  });

  it('rings', () => {
    notices.rang();
    expect(said).toEqual(['bell']);
  });

  it.each([
    ['somebody looks', { seen: true }, LONG_MS],
    ['it was short', {}, LONG_MS - 1],
    ['nobody knows for how long it ran', {}, null],
    ['nobody wants to know', { finished: false, bell: false }, LONG_MS],
  ])('is not told where %s', (_why, change, took) => {
    Object.assign(state, change);
    notices.finished('build', took, 0);
    if (took === LONG_MS) notices.rang();
    expect(said).toEqual([]);
  });
});
