import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sealTo } from '@gatehouse/core/protocol/sealed-box.ts';
import { generateKeyPair } from '@gatehouse/core/protocol/noise-state.ts';
import type { SnapshotOrder } from '@gatehouse/core/protocol/snapshot.ts';
import { describe, expect, it, vi } from 'vitest';
import { FakeClock } from '../../test/support/clock.ts';
import { mintFolder, mintId, mintOrder, silentLog } from '../../test/support/mint.ts';
import { SnapshotStore } from '../../test/support/snapshot-store.ts';
import { RemoteRefused, remoteOver, type Exchange } from './remote.ts';
import { Snapshots } from './snapshots.ts';

const HOUR = 3600_000;

/** Lets what is under way come to its end: what it waits for is files and other threads. */
async function until(holds: () => boolean): Promise<void> {
  await vi.waitUntil(holds, { timeout: 60_000, interval: 5 });
}

/** A workspace with a home, and the snapshots of its runner. */
async function mintDesk(store = new SnapshotStore()) {
  const [folder, clock] = [mintFolder(), new FakeClock()];
  const agreement = await generateKeyPair();
  const [runnerId, tenantId] = [mintId('runner'), mintId('tenant')];
  const order = mintOrder();
  const key = randomBytes(32);
  const sealing = { purpose: 'snapshot-key', about: [runnerId, order.workspaceId] } as const;
  const wanted: SnapshotOrder = {
    ...{ key: await sealTo(agreement.publicKey, sealing, key), automatic: true, everyHours: null, ignore: [], asked: null, restore: null },
  };
  const context = { remote: store, clock, log: silentLog, agreement: () => Promise.resolve(agreement), runnerId, tenantId };
  const subject = { folder, running: false, isRunning: () => subject.running };
  const home = join(folder, 'home');
  mkdirSync(home);
  writeFileSync(join(home, 'a'), 'a');
  const with_ = (change: Partial<SnapshotOrder>) => ({ ...order, snapshots: { ...wanted, ...change } });
  const bring = (snapshots: Snapshots, change: Partial<SnapshotOrder>) =>
    snapshots.bring(with_(change), subject, new AbortController().signal, () => undefined);
  return {
    snapshots: new Snapshots(context),
    context,
    store,
    clock,
    folder,
    home,
    subject,
    workspaceId: order.workspaceId,
    ordered: with_,
    bring,
  };
}

describe('the snapshots of a runner', () => {
  it('are made after a stop, exactly, and not again while nothing changes', async () => {
    const { snapshots, store, home, subject, ordered, workspaceId } = await mintDesk();
    snapshots.want(ordered({}), subject);
    snapshots.stopped(workspaceId);
    await until(() => store.ended.length === 1);
    expect(store.ended[0]?.facts).toMatchObject({ outcome: 'done', isExact: true, files: 1, bytes: 1, chunks: 1 });
    snapshots.stopped(workspaceId);
    await snapshots.drop(workspaceId);
    snapshots.want(ordered({}), subject);
    snapshots.stopped(workspaceId);
    writeFileSync(join(home, 'b'), 'b');
    await until(() => store.ended.length === 2);
    expect(store.begun).toHaveLength(2);
  });

  it('are made by the clock only of what runs, and then not said to be exact', async () => {
    const { snapshots, store, subject, ordered, clock } = await mintDesk();
    snapshots.want(ordered({ everyHours: 4 }), subject);
    clock.pass(5 * HOUR);
    expect(store.calls).toEqual([]);
    subject.running = true;
    clock.pass(5 * HOUR);
    await until(() => store.ended.length === 1);
    expect(store.ended[0]?.facts).toMatchObject({ outcome: 'done', isExact: false });
    await snapshots.stop();
  });

  it('are made when somebody asks, once for each time', async () => {
    const { snapshots, store, subject, ordered } = await mintDesk();
    const asked = mintId('snapshot');
    snapshots.want(ordered({ asked }), subject);
    snapshots.want(ordered({ asked }), subject);
    await until(() => store.ended.length === 1);
    snapshots.want(ordered({ asked }), subject);
    await snapshots.stop();
    expect(store.ended.map(({ id }) => id)).toEqual([asked]);
  });

  it('that a kill broke off are gone on with, under the same name', async () => {
    const { snapshots, context, store, subject, ordered, workspaceId } = await mintDesk();
    let [killed, isOver] = [false, false];
    store.fail = (call) => {
      if (call === 'manifest' && !killed) {
        killed = true;
        throw new Error('The runner is killed here');
      }
      if (call === 'end' && !isOver) throw new Error('and says nothing more');
    };
    snapshots.want(ordered({}), subject);
    snapshots.stopped(workspaceId);
    await until(() => killed);
    // As it would stand on disk.
    const notes = join(subject.folder, 'snapshots.json');
    await until(() => existsSync(notes) && (JSON.parse(readFileSync(notes, 'utf8')) as { pending: unknown }).pending === null);
    writeFileSync(notes, JSON.stringify({ pending: { id: store.begun[0], cause: 'stop' }, last: null, restored: 0 }));
    await snapshots.stop();
    isOver = true;
    const next = new Snapshots(context);
    next.want(ordered({}), subject);
    await until(() => store.ended.length === 1);
    expect(store.ended[0]?.id).toBe(store.begun[0]);
    expect(store.calls.filter((call) => call === 'chunk')).toHaveLength(1);
    await next.stop();
  });

  it('that fail say why', async () => {
    const { snapshots, store, subject, ordered, workspaceId } = await mintDesk();
    store.fail = (call) => {
      if (call === 'chunk') throw new RemoteRefused(403, 'There is no room left');
    };
    snapshots.want(ordered({}), subject);
    snapshots.stopped(workspaceId);
    await until(() => store.ended.length === 1);
    expect(store.ended[0]?.facts).toEqual({ outcome: 'failed', error: 'There is no room left' });
    await snapshots.stop();
  });

  it('restore a home once for each wish, and put the one before aside for a week', async () => {
    const { snapshots, store, home, folder, subject, ordered, workspaceId, clock, bring } = await mintDesk();
    snapshots.want(ordered({}), subject);
    snapshots.stopped(workspaceId);
    await until(() => store.ended.length === 1);
    const id = store.ended[0]?.id ?? '';
    writeFileSync(join(home, 'since'), 'since');
    await bring(snapshots, { restore: { id, number: 2 } });
    expect(readdirSync(home)).toEqual(['a']);
    writeFileSync(join(home, 'later'), 'later');
    await bring(snapshots, { restore: { id, number: 2 } });
    expect(readdirSync(home).sort()).toEqual(['a', 'later']);
    const aside = () => readdirSync(folder).filter((name) => name.startsWith('home.before-'));
    expect(aside().map((name) => readdirSync(join(folder, name)).sort())).toEqual([['a', 'since']]);
    snapshots.want(ordered({}), subject);
    clock.pass(6 * 24 * HOUR);
    expect(aside()).toHaveLength(1);
    clock.pass(2 * 24 * HOUR);
    await until(() => aside().length === 0);
    await snapshots.stop();
  });

  it('cost nothing after a restore that changed nothing since', async () => {
    const { snapshots, store, home, subject, ordered, workspaceId, bring } = await mintDesk();
    utimesSync(join(home, 'a'), 1_700_000_000.123456, 1_700_000_000.123456);
    snapshots.want(ordered({}), subject);
    snapshots.stopped(workspaceId);
    await until(() => store.ended.length === 1);
    await bring(snapshots, { restore: { id: store.ended[0]?.id ?? '', number: 2 } });
    const before = store.received;
    snapshots.want(ordered({ asked: mintId('snapshot') }), subject);
    await until(() => store.ended.length === 2);
    expect(store.received).toBe(before);
    await snapshots.stop();
  });

  it('never hold a home that is still to be restored', async () => {
    const { snapshots, store, subject, ordered } = await mintDesk();
    snapshots.want(ordered({ asked: mintId('snapshot'), restore: { id: mintId('snapshot'), number: 3 } }), subject);
    await until(() => store.ended.length === 1);
    expect(store.ended[0]?.facts).toEqual({ outcome: 'failed', error: 'The home is to be restored first' });
    await snapshots.stop();
  });
});

describe('the way to the service', () => {
  const answer = (status: number, body: object = {}) => ({ status, bytes: Buffer.from(JSON.stringify(body)) });

  async function ask(answers: (ReturnType<typeof answer> | Error)[]) {
    const clock = new FakeClock();
    let asked = 0;
    const exchange: Exchange = async () => {
      const next = answers[Math.min(asked++, answers.length - 1)];
      if (next === undefined || next instanceof Error) throw next ?? new Error('nothing');
      return next;
    };
    const claim = remoteOver(exchange, clock).claim('snp', [], new AbortController().signal);
    let isOver = false;
    const result = claim
      .then(
        (missing) => ({ missing }),
        (error: Error) => ({ error }),
      )
      .finally(() => (isOver = true));
    while (!isOver) {
      await new Promise((resolve) => setImmediate(resolve));
      clock.pass(60_000);
    }
    return { ...(await result), asked };
  }

  it('waits out what passes: no answer, too much at once, a broken service', async () => {
    const answers = [new Error('reset'), answer(429), answer(500), answer(503), answer(408), answer(200, { missing: [] })];
    expect(await ask(answers)).toEqual({ missing: [], asked: 6 });
  });

  it('gives up in the end, with the service’s words', async () => {
    const { asked, ...rest } = await ask([answer(503, { detail: 'The bucket answered 503: SlowDown' })]);
    expect([asked, 'error' in rest && rest.error.message]).toEqual([9, 'The bucket answered 503: SlowDown']);
  });

  it('does not repeat what is refused', async () => {
    const { asked, ...rest } = await ask([answer(409, { detail: 'The bucket answered 403: AccessDenied' })]);
    expect([asked, 'error' in rest && rest.error]).toEqual([1, expect.any(RemoteRefused)]);
  });
});
