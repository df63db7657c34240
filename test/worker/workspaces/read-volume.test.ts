import { describe, expect, test } from 'vitest';
import { sessionList } from '@gatehouse/core/api/identity.ts';
import type { ReadReport } from '@gatehouse/core/protocol/runner-control.ts';
import { connectControl, enrollRunner } from '../../support/runners.ts';
import { attachTo, makePair } from '../../support/site.ts';
import { api, eventsOf, read } from '../../support/tenants.ts';
import { attachment } from '@gatehouse/core/api/workspaces.ts';

const ENDED = '2026-03-01T10:00:00.000Z';

/** A connection of the developer's, and what its runner says was read over it. */
async function readOver() {
  const { site, running, connectionId } = await makePair();
  const report = (volume: Partial<ReadReport>): ReadReport => ({
    ...{ workspaceId: running.id, connectionId, files: 0, terminals: 0, other: 0, endedAt: null },
    ...volume,
  });
  const tell = (...reports: ReadReport[]) => site.tell({ kind: 'read', reports });
  const stored = () => site.control.until((message) => message.kind === 'read-stored');
  const inSession = async () => read(await api(site.dev).get('/me/sessions'), sessionList).items[0]?.read;
  const events = async () => (await eventsOf(site.tenant)).filter(({ action }) => action === 'connection.read');
  return { site, running, connectionId, report, tell, stored, inSession, events };
}

describe('D5: what was read over a connection', () => {
  test('stands with the session while it goes on, and in the trail once it is over', async () => {
    const { site, connectionId, report, tell, stored, inSession, events, running } = await readOver();
    expect(await inSession()).toEqual({ files: 0, terminals: 0, apps: 0, other: 0 });
    tell(report({ files: 1000, terminals: 20 }));
    await expect.poll(inSession).toEqual({ files: 1000, terminals: 20, apps: 0, other: 0 });
    expect(await events()).toEqual([]);
    tell(report({ files: 5000, terminals: 30, other: 7, endedAt: ENDED }));
    expect(await stored()).toEqual({ kind: 'read-stored', connectionIds: [connectionId] });
    expect(await inSession()).toEqual({ files: 5000, terminals: 30, apps: 0, other: 7 });
    expect(await events()).toMatchObject([
      {
        actor: { type: 'user', id: site.dev.id, name: site.dev.name, email: site.dev.email, via: 'connection' },
        resource: { type: 'connection', id: connectionId, name: 'box' },
        ...{ outcome: 'success', time: ENDED, sessionId: site.dev.sessionId, workspaceId: running.id },
        details: { files: 5000, terminals: 30, other: 7, bytes: 5037 },
      },
    ]);
  });

  test('counts once, however often and in whatever order it is told', async () => {
    const { report, tell, stored, inSession, events } = await readOver();
    for (let repetition = 0; repetition < 2; repetition += 1) {
      tell(report({ files: 5000, endedAt: ENDED }));
      await stored();
      tell(report({ files: 100 }));
    }
    tell(report({ files: 5000, endedAt: ENDED }));
    await stored();
    expect(await inSession()).toMatchObject({ files: 5000 });
    expect(await events()).toHaveLength(1);
  });

  test('is the sum of a session’s connections', async () => {
    const { site, running, report, tell, stored, inSession } = await readOver();
    const again = read(await attachTo(site.dev, running.id), attachment);
    tell(report({ files: 1000, endedAt: ENDED }), report({ connectionId: again.connectionId, files: 50, terminals: 9, endedAt: ENDED }));
    await stored();
    expect(await inSession()).toMatchObject({ files: 1050, terminals: 9 });
  });

  test('is taken from the runner of that workspace alone', async () => {
    const { site, report, inSession, events } = await readOver();
    const { control, tell, ready } = await connectControl(await enrollRunner(site.tenant));
    expect(ready.hears).toContain('read');
    tell({ kind: 'read', reports: [report({ files: 1_000_000, endedAt: ENDED })] });
    await control.until((message) => message.kind === 'read-stored');
    expect(await inSession()).toMatchObject({ files: 0 });
    expect(await events()).toEqual([]);
  });
});
