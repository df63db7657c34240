import { expect } from 'vitest';
import type { UserContext } from '../../worker/platform/context.ts';
import { auditApi } from './api.ts';
import { mintHec, mintHook, mintSiem } from './doubles-client.ts';

export const KINDS = ['splunk-hec', 'webhook', 's3', 'sentinel', 'datadog', 'elastic'] as const;
export type Kind = (typeof KINDS)[number];

/** An answer that a receiver gives instead of its own, so many times, -1: to everything. */
export interface SaidInstead {
  status: number;
  times: number;
  headers?: Record<string, string>;
  body?: string;
  /** only after it has taken what came */
  taken?: boolean;
  /** where a double has several addresses */
  path?: string;
}

/** A receiver of that kind that only this test knows, and the body that makes a destination of it. */
export async function receiverOf(kind: Kind) {
  if (kind === 'splunk-hec') {
    const hec = mintHec();
    await hec.set({});
    return {
      body: { name: 'Splunk', config: { type: kind, url: hec.url }, secret: hec.token },
      seqs: async () => (await hec.state()).indexed.map(({ event }) => event.seq),
      ids: async () => (await hec.state()).indexed.map(({ event }) => event.id),
      violations: async () => (await hec.state()).violations,
      /** the answer of the next requests, -1: of all */
      down: (times: number) => hec.set({ busy: times }),
      drop: (times: number) => hec.set({ dropAnswer: times }),
      answer: (answer: SaidInstead) => hec.set({ answer }),
      reset: (times: number) => hec.set({ reset: times }),
      hold: () => hec.set({ hold: true }),
      set: (faults: Record<string, unknown>) => hec.set(faults),
      /** whatever it suffered from is over */
      heal: () => hec.set({ busy: 0, dropAnswer: 0, reset: 0, answer: null, hold: false, malformed: null, maxBytes: 1_000_000 }),
      clock: async (_ms: number) => {},
    };
  }
  if (kind === 'webhook') {
    const hook = mintHook();
    const events = async () => (await hook.deliveries()).flatMap(({ body }) => JSON.parse(body) as Array<{ id: string; seq: number }>);
    return {
      body: { name: 'Hook', config: { type: kind, url: hook.url } },
      seqs: async () => (await events()).map(({ seq }) => seq),
      ids: async () => (await events()).map(({ id }) => id),
      violations: async () => [] as string[],
      // What it answers with an error it keeps as well: the same as an answer that is lost.
      down: (times: number) => hook.answer({ status: times === 0 ? 204 : 503 }),
      drop: (times: number) => hook.answer({ status: times === 0 ? 204 : 503 }),
      answer: ({ taken: _taken, path: _path, ...answer }: SaidInstead) => hook.answer(answer),
      reset: (times: number) => hook.answer({ status: 0, reset: true, times }),
      hold: () => hook.answer({ status: 204, hold: true }),
      set: async (_faults: Record<string, unknown>) => {},
      heal: () => hook.answer({ status: 204 }),
      clock: async (_ms: number) => {},
    };
  }
  const siem = mintSiem(kind);
  await siem.set();
  return {
    body: { name: kind, config: siem.config, secret: siem.secret },
    seqs: siem.seqs,
    ids: siem.ids,
    violations: async () => (await siem.state()).violations,
    down: (times: number) => siem.set({ answer: times === 0 ? null : { status: 503, times } }),
    drop: (times: number) => siem.set({ dropAnswer: times }),
    answer: (answer: SaidInstead) => siem.set({ answer }),
    reset: (times: number) => siem.set({ reset: times }),
    hold: () => siem.set({ hold: true }),
    set: (faults: Record<string, unknown>) => siem.set(faults),
    heal: () => siem.set({ answer: null, dropAnswer: 0, reset: 0, hold: false, ...HEALED[kind] }),
    clock: (ms: number) => (kind === 's3' || kind === 'datadog' ? siem.set({ clockMs: ms }) : Promise.resolve()),
  };
}
const HEALED = {
  s3: {},
  sentinel: { malformed: null, maxBytes: 1_048_576 },
  datadog: { malformed: null, maxBytes: 5_000_000 },
  elastic: { malformed: null, maxBytes: 100_000_000, reject: null },
} as const;
export type Receiver = Awaited<ReturnType<typeof receiverOf>>;

/** Makes a destination by the API. @returns its id, and the secret that was shown */
export async function addDestination(ctx: UserContext, body: Record<string, unknown>): Promise<{ id: string; secret: string | null }> {
  const created = await auditApi(ctx)('POST', '/siem-destinations', body);
  expect(created.status, JSON.stringify(created.body)).toBe(201);
  return created.body;
}

/** Each once, in the order of the first time. */
export const once = <T>(list: readonly T[]): T[] => [...new Set(list)];
