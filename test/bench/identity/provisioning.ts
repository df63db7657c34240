import { inLanes } from '../../../worker/platform/lanes.ts';
import { timed, type Options, type Row } from '../measure.ts';
import type { Product } from '../product.ts';

/** Calls that a directory has under way at once. */
const AT_ONCE = 4;
/** The organisation has 10,000 people at most, and its owner is one. */
const PEOPLE = 9_900;
const GROUPS = 500;
const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';

type Ask = <T = { id: string }>(method: string, path: string, body: unknown) => Promise<T>;

/** The first provisioning of a whole organisation by SCIM, as a directory would do it, and how soon what it says counts. */
export async function measureProvisioning(product: Product, { quick }: Options): Promise<Row[]> {
  const ask = await directory(product);
  const [people, groups] = quick ? [200, 10] : [PEOPLE, GROUPS];
  const users: string[] = [];
  const create = await each(Array.from({ length: people }), async (_, at) => {
    const userName = `person-${at}@bench-scim.test`;
    users.push(
      (await ask('POST', '/Users', { userName, displayName: `Person ${at}`, emails: [{ value: userName, primary: true }], active: true }))
        .id,
    );
  });
  const ids: string[] = [];
  const createGroups = await each(Array.from({ length: groups }), async (_, at) => {
    ids.push((await ask('POST', '/Groups', { displayName: `bench-scim-${at}` })).id);
  });
  const share = (at: number) => users.filter((_, index) => index % groups === at);
  const inOne = await each(ids.slice(0, -1), (id, at) => add(ask, id, share(at)));
  const everybody = await each(ids.slice(-1), (id) => add(ask, id, users));
  const inMany = await each(users.slice(0, Math.min(people, 2_000)), (user, at) => add(ask, ids[at % (groups - 1)] ?? '', [user]));
  return [
    ...rows(`create ${count(people)} people`, create),
    ...rows(`create ${count(groups)} groups`, createGroups),
    ...rows(`${count(share(0).length)} members in one PATCH`, inOne),
    ...rows(`${count(people)} members in one PATCH`, everybody, false),
    ...rows('one member in a PATCH', inMany),
    await untilRight(product, ask, users, quick ? 5 : 100),
  ];
}

/** A provisioning token, and how to call with it. @throws Error for what is not answered well */
async function directory({ owner, origin }: Product): Promise<Ask> {
  const { id } = await owner.call<{ id: string }>('POST', '/identity-providers', { name: `Bench ${Date.now()}`, preset: 'other' });
  const { secret } = await owner.call<{ secret: string }>('POST', `/identity-providers/${id}/scim-tokens`, {});
  const headers = { Authorization: `Bearer ${secret}`, 'Content-Type': 'application/scim+json' };
  return async <T>(method: string, path: string, body: unknown) => {
    const answer = await fetch(`${origin}/scim/v2${path}`, { method, headers, body: JSON.stringify(body) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text.slice(0, 300)}`);
    return (text === '' ? null : JSON.parse(text)) as T;
  };
}

const add = (ask: Ask, id: string, members: readonly string[]) =>
  ask('PATCH', `/Groups/${id}`, {
    schemas: [PATCH],
    Operations: [{ op: 'Add', path: 'members', value: members.map((value) => ({ value })) }],
  });

interface Timed {
  /** milliseconds of each call */
  samples: number[];
  /** calls each second, all together */
  pace: number;
}

async function each<T>(items: readonly T[], work: (item: T, at: number) => Promise<unknown>): Promise<Timed> {
  const samples: number[] = [];
  const [whole] = await timed(async () => {
    const numbered = items.map((item, at) => ({ item, at }));
    const failed = await inLanes(AT_ONCE, numbered, async ({ item, at }) => void samples.push((await timed(() => work(item, at)))[0]));
    if (failed[0]) throw failed[0].error;
  });
  return { samples, pace: (items.length / whole) * 1_000 };
}

const count = (number: number) => number.toLocaleString('en-GB');

function rows(what: string, { samples, pace }: Timed, withPace = true): Row[] {
  const row = (unit: Row['unit'], values: number[]): Row => ({
    bench: 'identity',
    what: `SCIM: ${what}`,
    system: 'gatehouse',
    unit,
    samples: values,
  });
  return [row('ms', samples), ...(withPace ? [row('per second', [pace])] : [])];
}

/** From the start of the call that puts somebody into a group until they can use the group’s template. */
async function untilRight({ owner }: Product, ask: Ask, users: readonly string[], times: number): Promise<Row> {
  const group = await ask('POST', '/Groups', { displayName: `bench-scim-access-${Date.now()}` });
  const template = await owner.call<{ id: string }>('POST', '/templates', { name: `scim-${Date.now()}`, spec: { driver: 'process' } });
  const items = [{ subject: { type: 'group', id: group.id }, role: 'use', expiresAt: null }];
  await owner.call('PUT', `/templates/${template.id}/acl`, { items }, { 'If-Match': '"1"' });
  const samples: number[] = [];
  for (const user of users.slice(0, times)) {
    const [ms] = await timed(async () => {
      await add(ask, group.id, [user]);
      for (;;) {
        const { role } = await owner.call<{ role: string | null }>('GET', `/templates/${template.id}/access?userId=${user}`);
        if (role === 'use') return;
      }
    });
    samples.push(ms);
  }
  return { bench: 'identity', what: 'SCIM: from the call until access is right', system: 'gatehouse', unit: 'ms', samples };
}
