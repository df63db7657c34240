import { expect, it, vi } from 'vitest';
import { HeldEvents, type PageEvents } from './held-events.ts';
import type { ConnectionState } from './ports.ts';

const HELLO = { workspaceId: 'wsp_1', generation: 1, root: '/home/dev', sandbox: 'bubblewrap', viewer: 7 } as const;

function listener() {
  const told: [string, unknown][] = [];
  const events = new Proxy({} as PageEvents, { get: (_, kind) => (said: unknown) => told.push([String(kind), said]) });
  return { told, events };
}

it('tells who comes to listen the last of each kind, in order, and then everything once', () => {
  const held = new HeldEvents();
  const connected = { kind: 'connected', hello: HELLO } as unknown as ConnectionState;
  held.changed({ kind: 'connecting' });
  held.latency(20);
  held.changed(connected);
  held.connected(HELLO);
  const { told, events } = listener();
  held.hand(events);
  expect(told).toEqual([
    ['latency', 20],
    ['changed', connected],
    ['connected', HELLO],
  ]);
  held.latency(30);
  expect(told.slice(3)).toEqual([['latency', 30]]);
});

it('hears what a listener causes while it is told', () => {
  const held = new HeldEvents();
  held.connected(HELLO);
  held.latency(20);
  const latency = vi.fn();
  held.hand({ ...listener().events, connected: () => held.latency(40), latency });
  expect(latency.mock.calls).toEqual([[40], [20]]);
});
