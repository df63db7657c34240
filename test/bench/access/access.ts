import type { Options, Row } from '../measure.ts';
import type { Product } from '../product.ts';
import { measureChecks } from './checks.ts';
import { measureRevoking } from './revoke.ts';
import { measureTemplates } from './templates.ts';

/** Who may do what: how fast it is decided, listed, and taken away. */
export async function measureAccess(product: Product, options: Options): Promise<Row[]> {
  const revoking = await measureRevoking(product, options);
  const templates = await measureTemplates(product, options);
  // Last: it lets nothing else run for so long that the server gives kept connections up.
  return [...(await measureChecks(options)), ...revoking, ...templates];
}
