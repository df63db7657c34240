import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { EgressHappening } from '@gatehouse/core/protocol/runner-control.ts';
import { FakeClock } from '../../test/support/clock.ts';
import { Trail } from './trail.ts';

function makeTrail(takes = () => true) {
  const clock = new FakeClock();
  const [told, notices]: [EgressHappening[], string[]] = [[], []];
  const tell = (happening: EgressHappening) => takes() && told.push(happening) > 0;
  return {
    clock,
    told,
    notices,
    trail: new Trail({ clock, tell, notice: (text) => notices.push(text), counts: { connections: 0, refused: 0 } }),
  };
}
const counts = (told: EgressHappening[]) => told.map((each) => ('count' in each ? each.count : 0));

describe('what is refused', () => {
  it('is told at once, and then at most once a minute with how often it came again', () => {
    const { clock, told, trail } = makeTrail();
    for (let each = 0; each < 5; each++) trail.refused('evil.example', 443, 'no');
    expect(counts(told)).toEqual([1]);
    clock.pass(60_000);
    expect(counts(told)).toEqual([1, 4]);
    trail.refused('evil.example', 443, 'no');
    clock.pass(59_999);
    expect(counts(told)).toEqual([1, 4]);
    clock.pass(1);
    expect(counts(told)).toEqual([1, 4, 1]);
    clock.pass(60_000);
    trail.refused('evil.example', 443, 'no');
    expect(counts(told)).toEqual([1, 4, 1, 1]);
  });

  it('is counted by host; a program that tries every name is one story', () => {
    const { clock, told, notices, trail } = makeTrail();
    for (let each = 0; each < 100; each++) trail.refused(`${each}.evil.example`, 443, 'no');
    expect(told).toHaveLength(31);
    expect(notices).toHaveLength(30);
    clock.pass(60_000);
    expect(told.at(-1)).toMatchObject({ host: '(others)', port: null, count: 69 });
  });

  it('is kept until somebody takes it, and can break no line', () => {
    let takes = false;
    const { clock, told, trail } = makeTrail(() => takes);
    trail.refused('evil\u001b[2J\nexample', 443, 'no');
    expect(told).toEqual([]);
    takes = true;
    clock.pass(60_000);
    expect(told).toEqual([{ what: 'refused', host: 'evil?[2J?example', port: 443, why: 'no', count: 1 }]);
  });
});

describe('what is let through', () => {
  const socket = () =>
    Object.assign(new EventEmitter(), { bytesRead: 0, bytesWritten: 0, destroyed: false, destroy() {} }) as unknown as Socket;

  it('is counted by host, told each hour with what has gone since, and at the end', () => {
    const { clock, told, trail } = makeTrail();
    const first = Object.assign(socket(), { bytesRead: 500, bytesWritten: 20 });
    trail.follow(first, 'a.example', 443);
    clock.pass(3_600_000);
    Object.assign(first, { bytesRead: 700, bytesWritten: 25 });
    first.emit('close');
    trail.close();
    expect(told).toEqual([
      { what: 'used', host: 'a.example', port: 443, connections: 1, sent: 20, received: 500 },
      { what: 'used', host: 'a.example', port: 443, connections: 0, sent: 5, received: 200 },
    ]);
  });
});
