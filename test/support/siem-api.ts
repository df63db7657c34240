import { expect } from 'vitest';
import type { UserContext } from '../../worker/platform/context.ts';
import { auditApi } from './api.ts';
import { mintHec, mintHook, mintSiem } from './doubles-client.ts';

export const KINDS = ['splunk-hec', 'webhook', 's3', 'sentinel', 'datadog', 'elastic'] as const;
export type Kind = (typeof KINDS)[number];

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
    clock: (ms: number) => (kind === 's3' || kind === 'datadog' ? siem.set({ clockMs: ms }) : Promise.resolve()),
  };
}
export type Receiver = Awaited<ReturnType<typeof receiverOf>>;

/** Makes a destination by the API. @returns its id, and the secret that was shown */
export async function addDestination(ctx: UserContext, body: Record<string, unknown>): Promise<{ id: string; secret: string | null }> {
  const created = await auditApi(ctx)('POST', '/siem-destinations', body);
  expect(created.status, JSON.stringify(created.body)).toBe(201);
  return created.body;
}

/** Each once, in the order of the first time. */
export const once = <T>(list: readonly T[]): T[] => [...new Set(list)];
