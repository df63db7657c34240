import { decodeJson } from '@gatehouse/core/protocol/frame.ts';
import type { Presence } from '@gatehouse/core/protocol/connection.ts';
import { beforeEach, describe, expect, it } from 'vitest';
import { Bench } from '../testing/connected.ts';
import { settle } from '../testing/manual-clock.ts';
import type { News } from './news.ts';
import { People } from './people.svelte.ts';

type Viewer = Presence['viewers'][number];
const PRIYA = { viewer: 7, userId: 'usr_1', name: 'Priya', access: 'own', asks: false } as const;
const TOMASZ = { viewer: 8, userId: 'usr_2', name: 'Tomasz', access: 'join', asks: false } as const;
const here = (driver: string | null, ...viewers: Viewer[]): Presence => ({ kind: 'presence', driver, viewers });

let bench: Bench;
let news: News[];
let failures: string[];

const peopleOf = (me: string): People =>
  new People(bench.connection, me, {
    changed: () => undefined,
    news: (item) => news.push(item),
    failed: (what, why) => failures.push(`${what}: ${why}`),
  });

beforeEach(async () => {
  bench = new Bench();
  news = [];
  failures = [];
  await bench.connect();
});

describe('P1: who is here', () => {
  it('is a list of persons, oneself first, however many pages they have', () => {
    const people = peopleOf('usr_2');
    people.update(here('usr_1', PRIYA, TOMASZ, { ...PRIYA, viewer: 9 }));
    expect(people.all.map(({ name, viewers, me, drives }) => [name, viewers, me, drives])).toEqual([
      ['Tomasz', [8], true, false],
      ['Priya', [7, 9], false, true],
    ]);
  });

  it('joins, leaves and who drives are said, but not what one found on coming', () => {
    const people = peopleOf('usr_1');
    people.update(here('usr_1', PRIYA));
    people.update(here('usr_1', PRIYA, TOMASZ));
    people.update(here('usr_2', PRIYA, TOMASZ));
    people.update(here('usr_1', PRIYA));
    expect(news.map(({ title }) => title)).toEqual(['Tomasz joined', 'Tomasz drives now', 'Tomasz left', 'You drive now']);
  });

  it('the owner can’t miss that somebody else came', () => {
    const people = peopleOf('usr_1');
    people.update(here('usr_1', PRIYA));
    people.update(here('usr_1', PRIYA, TOMASZ));
    expect(news).toMatchObject([{ title: 'Tomasz joined', weighty: true }]);
    expect(news[0]?.detail).toContain('only when you hand over');
  });

  it('another page of somebody who is here is no news', () => {
    const people = peopleOf('usr_1');
    people.update(here('usr_1', PRIYA));
    people.update(here('usr_1', PRIYA, { ...PRIYA, viewer: 9 }));
    expect(news).toEqual([]);
  });

  it('is nobody when the connection has ended', () => {
    const people = peopleOf('usr_1');
    people.update(here('usr_1', PRIYA));
    people.update(null);
    expect([people.all, people.drives]).toEqual([[], false]);
  });
});

describe('P2: whoever does not drive', () => {
  it.each([
    ['usr_1', 'usr_1', null],
    ['usr_2', 'usr_1', 'Priya drives. You are watching.'],
    ['usr_1', null, 'Nobody drives at the moment.'],
  ])('%s while %s drives: %s', (me, driver, refusal) => {
    const people = peopleOf(me);
    people.update(here(driver, PRIYA, TOMASZ));
    expect(people.refusal).toBe(refusal);
    expect(people.drives).toBe(refusal === null);
  });
});

describe('P3: driving', () => {
  const asked = (method: 'drive.give' | 'drive.take' | 'drive.ask') =>
    bench.runner.link.opened(method).map(({ request: { method: _method, ...rest } }) => rest);

  it('is handed to a person, taken back and asked for', () => {
    const people = peopleOf('usr_1');
    people.update(here('usr_1', PRIYA, TOMASZ));
    const tomasz = people.all.find(({ name }) => name === 'Tomasz');
    if (tomasz !== undefined) void people.give(tomasz);
    void people.take();
    void people.ask(true);
    void people.ask(false);
    expect([asked('drive.give'), asked('drive.take'), asked('drive.ask')]).toEqual([
      [{ viewer: 8 }],
      [{}],
      [{ asks: true }, { asks: false }],
    ]);
  });

  it('who asks is shown to whoever drives, until it is put aside, and again when they ask anew', () => {
    const people = peopleOf('usr_1');
    const asking = () => people.asking.map(({ name }) => name);
    people.update(here('usr_1', PRIYA, { ...TOMASZ, asks: true }));
    expect(asking()).toEqual(['Tomasz']);
    const [tomasz] = people.asking;
    if (tomasz !== undefined) people.decline(tomasz);
    expect(asking()).toEqual([]);
    people.update(here('usr_1', PRIYA, { ...TOMASZ, asks: true, viewer: 12 }));
    expect(asking()).toEqual([]);
    people.update(here('usr_1', PRIYA, TOMASZ));
    people.update(here('usr_1', PRIYA, { ...TOMASZ, asks: true }));
    expect(asking()).toEqual(['Tomasz']);
  });

  it('nobody else is bothered by who asks', () => {
    const people = peopleOf('usr_1');
    people.update(here('usr_2', PRIYA, { ...TOMASZ, asks: true }));
    expect(people.asking).toEqual([]);
  });

  it('a refusal is said', async () => {
    const people = peopleOf('usr_2');
    people.update(here('usr_1', PRIYA, TOMASZ));
    void people.take();
    const { stream } = bench.runner.link.opened('drive.take')[0] ?? { stream: 0 };
    expect(decodeJson(bench.runner.link.of(stream, 'open')[0]?.payload ?? new Uint8Array())).toEqual({ method: 'drive.take' });
    bench.runner.link.send('head', stream, 0, { ok: false, code: 'refused', message: 'Only the owner takes back' });
    await settle();
    expect(failures).toEqual(['You do not drive yet: Only the owner takes back']);
  });
});
