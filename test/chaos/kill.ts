import { type Product, until } from '../support/product.ts';
import { findWorkerd } from './processes.ts';

const answers = (origin: string) =>
  fetch(`${origin}/api/v1/health`).then(
    (answer) => answer.ok,
    () => false,
  );

/** Kills this test's workerd, `times` one right after the other, and waits until another one serves. */
export async function killWorkerd(product: Product, times = 1): Promise<void> {
  const before = findWorkerd();
  if (before === undefined) throw new Error('There is no workerd to kill');
  process.kill(before, 'SIGKILL');
  if (times > 1) {
    await until(async () => ![before, undefined].includes(findWorkerd()));
    return killWorkerd(product, times - 1);
  }
  await until(async () => {
    const now = findWorkerd();
    return now !== undefined && now !== before && answers(product.origin);
  });
}
