import { describe, expect, it } from 'vitest';
import { OutputRing } from './ring.ts';

describe('the ring of a terminal', () => {
  it.each([0, 777_777])('keeps the newest bytes at their offsets, through growth and wrap, counting from %i', (first) => {
    const ring = new OutputRing(64 * 1024, first);
    const byteAt = (offset: number) => (offset * 7) % 251;
    for (let size = 1; ring.end < first + 300_000; size = (size * 5 + 3) % 40_000) {
      ring.append(Uint8Array.from({ length: size }, (_, index) => byteAt(ring.end + index)));
      const kept = ring.read(ring.start, Infinity);
      expect(kept.byteLength).toBe(ring.end - ring.start);
      for (const index of [0, kept.byteLength >> 1, kept.byteLength - 1]) expect(kept[index]).toBe(byteAt(ring.start + index));
    }
    expect(ring.end - ring.start).toBe(64 * 1024);
  });

  it('takes a piece larger than itself', () => {
    const ring = new OutputRing(64 * 1024);
    ring.append(new Uint8Array(100_000).fill(1));
    ring.append(Uint8Array.of(2));
    expect(ring.start).toBe(100_001 - 64 * 1024);
    expect([...ring.read(100_000, 5)]).toEqual([2]);
    expect(ring.read(100_001, 5)).toHaveLength(0);
  });
});
