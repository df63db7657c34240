import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../test/support/clock.ts';
import { Intake } from './intake.ts';

const KB = 1024;

describe('D3 what is put into terminals at once', () => {
  it('is at most one paste, and what a person may type besides', () => {
    const intake = new Intake(new FakeClock());
    expect(intake.take(64 * KB, 64 * KB)).toBe(true);
    expect(intake.take(4 * KB, 64 * KB)).toBe(true);
    expect(intake.take(1, 64 * KB)).toBe(false);
  });

  it('is counted over all frames: small ones in a row are one paste', () => {
    const intake = new Intake(new FakeClock());
    const taken = Array.from({ length: 100 }, () => intake.take(KB, 8 * KB)).filter(Boolean);
    expect(taken).toHaveLength(12);
  });

  it('begins anew after a pause, as another paste does', () => {
    const clock = new FakeClock();
    const intake = new Intake(clock);
    expect(intake.take(64 * KB, 64 * KB)).toBe(true);
    clock.pass(249);
    expect(intake.take(64 * KB, 64 * KB)).toBe(false);
    clock.pass(250);
    expect(intake.take(60 * KB, 64 * KB)).toBe(true);
  });

  it('goes by the pace of typing where pasting is blocked, however it is paused', () => {
    const clock = new FakeClock();
    const intake = new Intake(clock);
    let put = 0;
    for (let second = 0; second < 60; second += 1) {
      while (intake.take(256, 0)) put += 256;
      clock.pass(1000);
    }
    expect(put).toBeLessThanOrEqual(4 * KB + 60 * 2 * KB);
    expect(put).toBeGreaterThan(60 * KB);
  });

  it('lets a key be held down, and a mouse be moved over a program that hears of it', () => {
    const clock = new FakeClock();
    const intake = new Intake(clock);
    for (let event = 0; event < 60 * 120; event += 1) {
      expect(intake.take(12, 0)).toBe(true);
      clock.pass(1000 / 120);
    }
  });
});
