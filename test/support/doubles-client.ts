import { inject } from 'vitest';

export interface IndexedEvent {
  time: number;
  sourcetype: string;
  index?: string;
  fields: { event_id: string; seq: string };
  event: { id: string; seq: number; action: string };
}

/** A token of the HEC double that only this test knows. */
export function mintHec() {
  const url = inject('hecUrl');
  const token = crypto.randomUUID();
  const control = `${url}/control?token=${token}`;
  return {
    url,
    token,
    set: async (faults: Record<string, unknown>) => {
      const response = await fetch(control, { method: 'POST', body: JSON.stringify(faults) });
      if (!response.ok) throw new Error(await response.text());
    },
    state: async () => (await (await fetch(control)).json()) as { indexed: IndexedEvent[]; requests: number; violations: string[] },
  };
}

export interface Delivery {
  headers: Record<string, string>;
  body: string;
}

/** A path of the webhook double that only this test knows. */
export function mintHook() {
  const base = inject('webhookUrl');
  const name = crypto.randomUUID();
  return {
    url: `${base}/hooks/${name}`,
    answer: async (answer: { status: number; headers?: Record<string, string>; body?: string }) =>
      void (await fetch(`${base}/control/${name}`, { method: 'POST', body: JSON.stringify(answer) })),
    deliveries: async () => (await (await fetch(`${base}/control/${name}`)).json()) as Delivery[],
  };
}
