import type { Options, Row } from '../measure.ts';
import type { Product } from '../product.ts';
import { measureChecks } from './checks.ts';
import { measureRevoking } from './revoke.ts';
import { measureTemplates } from './templates.ts';

/** Who may do what: how fast it is decided, listed, and taken away. */
export async function measureAccess(product: Product, options: Options): Promise<Row[]> {
  return [...(await measureChecks(options)), ...(await measureRevoking(product, options)), ...(await measureTemplates(product, options))];
}
