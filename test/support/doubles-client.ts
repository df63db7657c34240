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
    answer: async (answer: {
      status: number;
      headers?: Record<string, string>;
      body?: string;
      times?: number;
      reset?: boolean;
      hold?: boolean;
    }) => void (await fetch(`${base}/control/${name}`, { method: 'POST', body: JSON.stringify(answer) })),
    deliveries: async () => (await (await fetch(`${base}/control/${name}`)).json()) as Delivery[],
  };
}

type SiemKind = 's3' | 'sentinel' | 'datadog' | 'elastic';
const SENTINEL = {
  directoryId: '11111111-1111-1111-1111-111111111111',
  clientId: '22222222-2222-2222-2222-222222222222',
  ruleId: `dcr-${'a'.repeat(32)}`,
  stream: 'Custom-Gatehouse_CL',
};

interface Received {
  /** as they stand there, in the order of their coming */
  events: Array<Record<string, unknown>>;
  requests: number;
  violations: string[];
  objects: Record<string, string>;
  issued: number;
}

/** A receiver of one of the SIEM doubles that only this test knows, with the configuration that leads there. */
export function mintSiem<K extends SiemKind>(kind: K) {
  const base = inject('siemUrl');
  const name = crypto.randomUUID();
  const secret = `secret-${crypto.randomUUID()}`;
  const url = `${base}/${kind}/${name}`;
  const control = `${base}/control/${kind}/${name}`;
  const configs = {
    // The bucket is the receiver's name, so that the path is the one that S3 itself has.
    s3: { type: 's3', url: `${base}/s3`, bucket: name, region: 'eu-central-1', prefix: 'trail', accessKeyId: 'AKIATEST' },
    sentinel: { type: 'sentinel', url, authority: url, ...SENTINEL },
    datadog: { type: 'datadog', url: `${url}/api/v2/logs`, service: 'gatehouse', tags: 'env:test' },
    elastic: { type: 'elastic', url, index: 'logs-gatehouse.audit-default' },
  } as const;
  const set = async (faults: Record<string, unknown>) => {
    const response = await fetch(control, { method: 'POST', body: JSON.stringify(faults) });
    if (!response.ok) throw new Error(await response.text());
  };
  return {
    config: configs[kind],
    secret,
    set: (faults: Record<string, unknown> = {}) => set({ secret, ...faults }),
    state: async () => (await (await fetch(control)).json()) as Received,
    /** ids of the events, in the order of their coming */
    ids: async () => ((await (await fetch(control)).json()) as Received).events.map((event) => eventIn(event).id),
    seqs: async () => ((await (await fetch(control)).json()) as Received).events.map((event) => eventIn(event).seq),
  };
}

const eventIn = (event: Record<string, unknown>) => (event['gatehouse'] ?? event['Event'] ?? event) as { id: string; seq: number };
