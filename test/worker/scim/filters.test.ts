import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { parseFilter } from '@gatehouse/core/scim/filter.ts';
import { matchesFilter, type Json } from '@gatehouse/core/scim/filter-match.ts';
import { ENTERPRISE_SCHEMA, RESOURCE_TYPES } from '@gatehouse/core/scim/schema.ts';
import { Chance } from '../../support/chance.ts';
import { addDirectory, filtered, groupBody, made, scim, userBody, type Scim } from '../../support/scim.ts';
import { mintTenant, unique } from '../../support/tenants.ts';

let client: Scim;
let people: Json[] = [];

const WORDS = ['Ann', 'ann', 'Bo', 'Zoë', 'zoË', 'a', 'A%', '_', "O'Neil", '"q"', 'x@y.test', 'work', 'HOME', '2026'];

beforeAll(async () => {
  client = scim(await addDirectory(await mintTenant()));
  const chance = new Chance(7);
  const some = (value: () => unknown) => (chance.oneIn(3) ? undefined : value());
  for (let at = 0; at < 40; at++) {
    const list = () =>
      Array.from({ length: chance.between(0, 2) }, () => ({ value: chance.pick(WORDS), type: chance.pick(['work', 'HOME', 'other']) }));
    await made(
      client.post('/Users', {
        ...userBody(`${chance.pick(['ann', 'BO', 'zoe'])}-${unique()}`),
        externalId: some(() => `${chance.pick(WORDS)}-${at}`),
        title: some(() => chance.pick(WORDS)),
        nickName: some(() => chance.pick(WORDS)),
        phoneNumbers: some(list),
        roles: some(() => [{ value: chance.pick(WORDS), primary: chance.oneIn(2) }]),
        active: !chance.oneIn(4),
        [ENTERPRISE_SCHEMA]: some(() => ({ department: chance.pick(WORDS) })),
      }),
    );
  }
  people = (await client.get('/Users?count=500')).body.Resources;
  const group = await made(
    client.post(
      '/Groups',
      groupBody(
        'Ann’s',
        people.slice(0, 10).map(({ id }) => String(id)),
      ),
    ),
  );
  expect(group).toMatch(/^grp_/);
  people = (await client.get('/Users?count=500')).body.Resources;
});

const word = fc.constantFrom(...WORDS, 'corp', '', 'zzz');
const TEXTS = [
  'userName',
  'externalId',
  'title',
  'nickName',
  'name.givenName',
  'NAME.familyName',
  'phoneNumbers.value',
  'phoneNumbers',
  'roles.value',
  `${ENTERPRISE_SCHEMA}:department`,
  'groups.display',
  'emails.type',
  'id',
  'meta.resourceType',
  'meta.location',
];
const text = fc.constantFrom(...TEXTS.slice(0, -1));
const leaf = fc.oneof(
  fc
    .tuple(text, fc.constantFrom('eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le', 'EQ'), word)
    .map(([a, op, v]) => `${a} ${op} ${JSON.stringify(v)}`),
  fc.tuple(text, fc.constantFrom('eq', 'ne')).map(([a, op]) => `${a} ${op} null`),
  text.map((a) => `${a} pr`),
  fc.constantFrom(
    'active eq true',
    'active eq "False"',
    'active ne true',
    'emails pr',
    'name pr',
    'roles[primary eq true]',
    'meta.created gt "2020-01-01T00:00:00Z"',
    'meta.lastModified lt "2020-01-01T00:00:00+02:00"',
  ),
  fc.tuple(word, word).map(([a, b]) => `phoneNumbers[type eq ${JSON.stringify(a)} and not (value co ${JSON.stringify(b)})]`),
  word.map((v) => `emails[type eq "work"].value sw ${JSON.stringify(v)}`),
);
const { filter } = fc.letrec<{ filter: string }>((tie) => ({
  filter: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    leaf,
    fc.tuple(tie('filter'), fc.constantFrom('and', 'or', 'OR'), tie('filter')).map(([a, op, b]) => `(${a}) ${op} (${b})`),
    tie('filter').map((a) => `not (${a})`),
  ),
}));

describe('filters', () => {
  test('choose in the database whom the plain meaning chooses', async () => {
    await fc.assert(
      fc.asyncProperty(filter, async (expression) => {
        const { status, body } = await client.get(filtered('/Users', expression, '&count=500&attributes=userName'));
        expect([expression, status]).toEqual([expression, 200]);
        const parsed = parseFilter(RESOURCE_TYPES.User, expression);
        const expected = people.filter((each) => matchesFilter(parsed, each)).map(({ id }) => id);
        expect([expression, body.Resources.map(({ id }: Json) => id)]).toEqual([expression, expected]);
      }),
      { numRuns: 250 },
    );
  });

  test('of groups too', async () => {
    expect((await client.get(filtered('/Groups', 'displayName eq "ANN’S"'))).body.totalResults).toBe(1);
    expect(
      (await client.get(filtered('/Groups', `members[value eq "${String(people[0]?.['id'])}" and type eq "User"]`))).body.totalResults,
    ).toBe(1);
    expect((await client.get(filtered('/Groups', 'not (members pr)'))).body.totalResults).toBe(0);
    expect((await client.get(filtered('/Groups', 'externalId pr'))).body.totalResults).toBe(0);
  });

  test('and pages and orders are stable', async () => {
    const ids: string[] = [];
    for (let startIndex = 1; startIndex <= people.length; startIndex += 7) {
      const { body } = await client.get(`/Users?startIndex=${startIndex}&count=7&attributes=id`);
      expect(body).toMatchObject({ totalResults: people.length, startIndex });
      ids.push(...body.Resources.map(({ id }: Json) => id));
    }
    expect(ids).toEqual(people.map(({ id }) => id));
    expect((await client.get('/Users?count=0')).body).toMatchObject({ totalResults: people.length, itemsPerPage: 0, Resources: [] });
    const { body } = await client.get('/Users?sortBy=title&sortOrder=descending&count=500');
    const titles: string[] = body.Resources.flatMap(
      ({ title }: { title?: string }) => title?.replace(/[A-Z]/g, (each) => each.toLowerCase()) ?? [],
    );
    expect(titles).toEqual([...titles].sort().reverse());
    expect((await client.get('/Users?sortBy=emails.value')).status).toBe(200);
    const search = await client.post('/Users/.search', { filter: 'active eq true', count: 5, attributes: ['userName'] });
    expect(search.body.Resources.every((each: Json) => !('emails' in each) && 'id' in each)).toBe(true);
    const root = await client.post('/.search', { count: 500 });
    expect(root.body.totalResults).toBe(people.length + 1);
    expect(root.body.Resources.at(-1)).toMatchObject({ displayName: 'Ann’s' });
    expect((await client.post('/.search', { filter: 'members pr' })).body.totalResults).toBe(1);
  });
});
