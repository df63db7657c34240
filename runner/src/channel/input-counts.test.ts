import { describe, expect, it } from 'vitest';
import { InputCounts } from './input-counts.ts';

const take = (counts: InputCounts, clientId: string, offset: number, text: string) =>
  Buffer.from(counts.take(clientId, offset, Buffer.from(text))).toString();

describe('the input of a terminal', () => {
  it('is typed once, however often it is sent', () => {
    const counts = new InputCounts([['returned', 3]]);
    expect(take(counts, 'one', 0, 'abc')).toBe('abc');
    expect(take(counts, 'one', 0, 'abc')).toBe('');
    expect(take(counts, 'one', 1, 'bcde')).toBe('de');
    expect(take(counts, 'two', 0, 'x')).toBe('x');
    expect(take(counts, 'returned', 0, 'abcd')).toBe('d');
    expect(counts.all).toEqual([
      ['one', 5],
      ['two', 1],
      ['returned', 4],
    ]);
  });

  it('is refused when something is missing before it', () => {
    const counts = new InputCounts();
    take(counts, 'one', 0, 'abc');
    expect(() => take(counts, 'one', 4, 'e')).toThrow('byte 3 is next, not 4');
    expect(counts.of('one')).toBe(3);
  });

  it('forgets the client that was silent longest', () => {
    const counts = new InputCounts();
    for (let client = 0; client < 64; client++) take(counts, `client ${client}`, 0, 'x');
    take(counts, 'client 0', 1, 'x');
    take(counts, 'client 64', 0, 'x');
    expect(counts.of('client 0')).toBe(2);
    expect(counts.of('client 1')).toBe(0);
    expect(counts.all).toHaveLength(64);
  });
});
