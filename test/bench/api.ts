import { gunzipSync } from 'node:zlib';
import type { AuditEvent } from '@gatehouse/core/audit/event.ts';
import { Person } from '../../scripts/api.ts';
import { startHecDouble } from '../support/hec-double.mjs';
import { type Options, repeat, type Row, until } from './measure.ts';
import { ACCOUNT, type Product } from './product.ts';

const HEC_TOKEN = '8a1f7a40-0000-4000-8000-gatehouse-bench';

/** Requests as a page sends them, one after the other. */
export async function measureApi({ owner, origin }: Product, { quick }: Options): Promise<Row[]> {
  const [many, few] = quick ? [10, 3] : [200, 20];
  const row = (what: string, samples: number[]): Row => ({ bench: 'api', what, system: 'gatehouse', unit: 'ms', samples });
  const { tenant, email, password } = ACCOUNT;
  return [
    row('GET /health', await repeat(many, async () => (await fetch(`${origin}/health`)).arrayBuffer())),
    row('GET /me', await repeat(many, () => owner.call('GET', '/me'))),
    row('GET /workspaces', await repeat(many, () => owner.call('GET', '/workspaces'))),
    // An organisation has a limited number of templates, and the trail's rows make more of them.
    row('POST /templates, change and event', await repeat(many / 5, (index) => makeTemplate(owner, `made-${index}`))),
    row('POST /login, scrypt', await repeat(few, () => new Person(origin).call('POST', '/login', { tenant, email, password }))),
  ];
}

/** Milliseconds; longer than a segment waits to be sealed. */
const GAP = 2000;

/** From an act to the places where a security team finds it. */
export async function measureTrail(product: Product, { quick }: Options): Promise<Row[]> {
  const hec = await startHecDouble({ tokens: [HEC_TOKEN] });
  const count = quick ? 2 : 10;
  const row = (what: string, samples: number[]): Row => ({ bench: 'trail', what, system: 'gatehouse', unit: 'ms', samples });
  const act = (name: string) => makeTemplate(product.owner, name);
  try {
    await product.owner.call('POST', '/siem-destinations', {
      name: 'bench',
      config: { type: 'splunk-hec', url: hec.url },
      secret: HEC_TOKEN,
    });
    return [
      row('act to GET /audit/events', await repeat(count, async (index) => queryable(product.owner, (await act(`seen-${index}`)).id), GAP)),
      row('act to R2', await repeat(count, async (index) => archived(product, (await act(`kept-${index}`)).id), GAP)),
      row('act to Splunk (HEC)', await repeat(count, async (index) => delivered(hec.url, (await act(`sent-${index}`)).id), GAP)),
    ];
  } finally {
    await hec.close();
  }
}

const makeTemplate = (owner: Person, name: string) => owner.call<{ id: string }>('POST', '/templates', { name });

const queryable = (owner: Person, id: string) =>
  until('the event is found', async () => {
    const { items } = await owner.call<{ items: AuditEvent[] }>('GET', `/audit/events?resourceId=${id}`);
    return items.length > 0;
  });

/** Reads each segment once, the newest first: a bucket that fills must not slow the look. */
async function archived({ archive }: Product, id: string): Promise<void> {
  const bucket = await archive();
  const looked = new Set<string>();
  await until('the event is in R2', async () => {
    const { objects } = await bucket.list();
    const fresh = objects.map(({ key }) => key).filter((key) => /^tnt_[^/]+\/\d{4}\/.*\.ndjson\.gz$/.test(key) && !looked.has(key));
    for (const key of fresh.sort().reverse()) {
      const body = await (await bucket.get(key))?.arrayBuffer();
      if (body && gunzipSync(new Uint8Array(body)).includes(id)) return true;
      looked.add(key);
    }
    return false;
  });
}

const delivered = (url: string, id: string) =>
  until('the event is delivered', async () => (await (await fetch(`${url}/control?token=${HEC_TOKEN}`)).text()).includes(id));
