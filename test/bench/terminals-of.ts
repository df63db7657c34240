import { loadPage } from './gatehouse.ts';
import type { Product } from './product.ts';

/** Ends the workspace’s terminals: a page that finds none opens one. */
export async function endTerminals(product: Product): Promise<void> {
  const page = await loadPage(product);
  const { terminals } = await page.connection.call({ method: 'pty.list' });
  for (const { terminalId } of terminals) await page.connection.call({ method: 'pty.close', terminalId });
  page.close();
}
