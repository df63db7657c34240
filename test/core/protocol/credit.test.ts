import { describe, expect, test } from 'vitest';
import { Credit } from '../../../core/protocol/credit.ts';
import { TUNNEL } from '../../../core/protocol/tunnel.ts';

const { most, least, all } = TUNNEL.credit;

describe('A5: the credit of a link', () => {
  test('is 512 KiB for one stream, and comes back as it is taken', () => {
    const credit = new Credit(TUNNEL.credit);
    credit.open(1);
    expect(credit.room(1)).toBe(most);
    expect([credit.sent(1, most), credit.room(1)]).toEqual([0, 0]);
    expect([credit.taken(1, 1000), credit.room(1), credit.sent(1, 500)]).toEqual([true, 1000, most]);
  });

  test('is shared when there are many, and each always has 64 KiB', () => {
    const credit = new Credit(TUNNEL.credit);
    for (let stream = 1; stream <= 32; stream++) credit.open(stream);
    expect(credit.room(1)).toBe(all / 32);
    for (let stream = 33; stream <= 1000; stream++) credit.open(stream);
    expect(credit.room(1)).toBe(least);
    credit.sent(1, most);
    expect([credit.room(1), credit.room(2)]).toEqual([0, least]);
    for (let stream = 2; stream <= 1000; stream++) credit.close(stream);
    expect(credit.room(1)).toBe(0);
  });

  test('knows an acknowledgement that is a lie', () => {
    const credit = new Credit(TUNNEL.credit);
    credit.open(1);
    credit.sent(1, 100);
    expect([credit.taken(1, 101), credit.taken(1, 60), credit.taken(1, 59), credit.taken(9, 5)]).toEqual([false, true, false, true]);
  });
});
