import type { Options, Row } from '../measure.ts';
import type { Product } from '../product.ts';
import { measureCrowd } from './crowd.ts';
import { measureRecorded } from './recorded.ts';
import { measureStarts } from './starts.ts';
import { measureTunnel } from './tunnel.ts';

const WORK = { starts: measureStarts, recorded: measureRecorded, tunnel: measureTunnel, crowd: measureCrowd };
export const WORKSPACE_PARTS = Object.keys(WORK);

/** What a workspace costs and gives beside its terminals. */
export async function measureWorkspace(product: Product, options: Options): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [part, work] of Object.entries(WORK))
    if (options.parts.length === 0 || options.parts.includes(part)) rows.push(...(await work(product, options)));
  return rows;
}
