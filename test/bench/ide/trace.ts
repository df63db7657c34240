import type { Browser } from 'playwright-core';
import { KEY, PAINTED } from './page.ts';

interface TraceEvent {
  name: string;
  ph: string;
  pid: number;
  tid: number;
  /** microseconds: when, how long, and how long on the processor */
  ts: number;
  dur?: number;
  tdur?: number;
}

const TASK = 'ThreadControllerImpl::RunTask';

/**
 * What the browser’s own account says of the keys pressed meanwhile.
 * @returns milliseconds that the page’s main thread worked for each, on the processor, from its task to the frame with what it did
 */
export async function worksOfKeys(browser: Browser, press: () => Promise<void>): Promise<number[]> {
  const session = await browser.newBrowserCDPSession();
  const events: TraceEvent[] = [];
  session.on('Tracing.dataCollected', ({ value }) => events.push(...(value as unknown as TraceEvent[])));
  await session.send('Tracing.start', {
    transferMode: 'ReportEvents',
    traceConfig: { includedCategories: ['toplevel', 'blink.user_timing'], excludedCategories: ['*'] },
  });
  await press();
  const complete = new Promise((resolve) => session.once('Tracing.tracingComplete', resolve));
  await session.send('Tracing.end');
  await complete;
  await session.detach();
  return works(events);
}

function works(events: TraceEvent[]): number[] {
  const marks = events.filter(({ name }) => name === KEY || name === PAINTED).sort((a, b) => a.ts - b.ts);
  const [first] = marks;
  const tasks = events
    .filter(({ name, ph, pid, tid }) => name === TASK && ph === 'X' && pid === first?.pid && tid === first.tid)
    .sort((a, b) => a.ts - b.ts);
  return marks.flatMap((mark, index) => {
    const painted = marks[index + 1];
    if (mark.name !== KEY || painted?.name !== PAINTED) return [];
    const meanwhile = tasks.filter(({ ts, dur = 0 }) => ts + dur >= mark.ts && ts + dur < painted.ts);
    return meanwhile.reduce((sum, { tdur = 0 }) => sum + tdur, 0) / 1000;
  });
}
