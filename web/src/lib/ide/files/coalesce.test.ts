import { expect, it } from 'vitest';
import { Coalesce } from './coalesce.ts';

/** Work that ends when it is told to. */
function mintWork() {
  const ends: Array<() => void> = [];
  let most = 0;
  let under = 0;
  const work = () =>
    new Promise<void>((resolve) => {
      most = Math.max(most, (under += 1));
      ends.push(() => {
        under -= 1;
        resolve();
      });
    });
  return { ends, work, most: () => most };
}

it('runs once more for all who asked while it ran', async () => {
  const { ends, work } = mintWork();
  const coalesce = new Coalesce();
  const first = coalesce.run('a', work);
  const [second, third] = [coalesce.run('a', work), coalesce.run('a', work)];
  expect(ends).toHaveLength(1);
  ends[0]?.();
  await first;
  await Promise.resolve();
  expect(ends).toHaveLength(2);
  ends[1]?.();
  await Promise.all([second, third]);
  expect(ends).toHaveLength(2);
});

it('lets nobody wait for what others ask later, and never runs twice at a time', async () => {
  const { ends, work, most } = mintWork();
  const coalesce = new Coalesce();
  let last = coalesce.run('a', work);
  for (let round = 0; round < 5; round++) {
    const next = coalesce.run('a', work);
    ends[round]?.();
    await last;
    last = next;
  }
  expect(most()).toBe(1);
});

it('runs again for those who wait after it failed', async () => {
  const coalesce = new Coalesce();
  const failed = coalesce.run('a', () => Promise.reject(new Error('no')));
  let done = 0;
  const again = coalesce.run('a', async () => void (done += 1));
  await expect(failed).rejects.toThrow('no');
  await again;
  expect(done).toBe(1);
});

it('runs what has another key beside it', () => {
  const { ends, work } = mintWork();
  const coalesce = new Coalesce();
  void coalesce.run('a', work);
  void coalesce.run('b', work);
  expect(ends).toHaveLength(2);
});
