import type { Options, Row } from '../measure.ts';
import type { Product } from '../product.ts';
import { Rows } from '../turns.ts';
import { measureFinding } from './finding.ts';
import { homeOf } from './home.ts';
import { measureLoading } from './loading.ts';
import { measureTyping } from './typing.ts';

const WORK = { loading: measureLoading, typing: measureTyping, finding: measureFinding };
export const IDE_PARTS = Object.keys(WORK);

/** The IDE in Chromium, as somebody meets it. */
export async function measureIde(product: Product, options: Options): Promise<Row[]> {
  const rows = new Rows('ide');
  const home = homeOf(product);
  for (const [part, work] of Object.entries(WORK))
    if (options.parts.length === 0 || options.parts.includes(part)) await work({ product, home, rows, options });
  return rows.all();
}
