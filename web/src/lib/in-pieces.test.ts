import { expect, it } from 'vitest';
import { inPieces } from './in-pieces.ts';

const many = Array.from({ length: 1_000 }, (_, index) => index);

it('lets others go on while it goes through a long list', async () => {
  let done = 0;
  let seen = 0;
  const all = inPieces(many, (number) => (done++, number * 2));
  setTimeout(() => (seen = done));
  expect(await all).toEqual(many.map((number) => number * 2));
  expect(seen).toBeGreaterThan(0);
  expect(seen).toBeLessThan(many.length);
});

it('stops when nobody wants the rest', async () => {
  let done = 0;
  expect(
    await inPieces(
      many,
      () => done++,
      () => done === 0,
    ),
  ).toBeNull();
  expect(done).toBeLessThan(many.length);
});
