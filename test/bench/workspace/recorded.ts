import { setTimeout as sleep } from 'node:timers/promises';
import { gatehouse } from '../gatehouse.ts';
import type { Options, Row } from '../measure.ts';
import type { Product } from '../product.ts';
import { typeSlowly } from '../terminals/echo.ts';
import { Rows } from '../turns.ts';

/** A keystroke's echo with recording on and off by turns, so that both have the machine as it is. */
export async function measureRecorded(product: Product, { quick }: Options): Promise<Row[]> {
  const rows = new Rows('workspace');
  const turns = quick ? 2 : 10;
  const { owner } = product;
  for (let revision = 0; revision < turns; revision++) {
    const recording = revision % 2 === 0 ? 'required' : 'off';
    await owner.call('PUT', '/tenant/policy', { values: { recording } }, { 'If-Match': `"${revision}"` });
    // The runner hears of it with its next order.
    await sleep(2_000);
    await typeSlowly(gatehouse(product), rows.of('gatehouse'), `keystroke echo, recording ${recording}`, quick ? 30 : 200);
  }
  await owner.call('PUT', '/tenant/policy', { values: {} }, { 'If-Match': `"${turns}"` });
  return rows.all();
}
