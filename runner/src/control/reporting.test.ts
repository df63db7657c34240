import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { FromRunner } from '@gatehouse/core/protocol/runner-control.ts';
import { FakeClock } from '../../test/support/clock.ts';
import { mintFolder, mintId } from '../../test/support/mint.ts';
import { BuildLog } from './build-log.ts';
import { LogSender } from './log-sender.ts';
import { ReportJournal } from './report-journal.ts';

describe('reports', () => {
  const body = () => ({ workspaceId: mintId('workspace'), generation: 1, phase: 'running' as const });

  it('are numbered without gaps and kept until they are stored, over restarts of the runner', () => {
    const path = join(mintFolder(), 'reports.json');
    const first = new ReportJournal(path, new FakeClock());
    expect([first.add(body()), first.add(body()), first.add(body())].map(({ report }) => report)).toEqual([1, 2, 3]);
    first.stored(2);
    const second = new ReportJournal(path, new FakeClock());
    expect(second.pending.map(({ report }) => report)).toEqual([3]);
    second.stored(3);
    expect(new ReportJournal(path, new FakeClock()).add(body()).report).toBe(4);
  });

  it('are not begun anew over a damaged file', () => {
    const path = join(mintFolder(), 'reports.json');
    writeFileSync(path, '{"next":');
    expect(() => new ReportJournal(path, new FakeClock())).toThrow(/reports\.json is damaged/);
  });
});

describe('a build log', () => {
  it('puts characters together that came in pieces, and never sends half of one', () => {
    const log = new BuildLog(mintFolder(), 1, () => undefined);
    const bytes = Buffer.from('ä界'.repeat(6000));
    for (let at = 0; at < bytes.byteLength; at += 7) log.append(bytes.subarray(at, at + 7));
    let text = '';
    for (let offset = 0; offset < log.size;) {
      const piece = log.read(offset);
      expect(Buffer.byteLength(piece.text)).toBe(piece.bytes);
      expect(piece.bytes).toBeLessThanOrEqual(16 * 1024);
      text += piece.text;
      offset += piece.bytes;
    }
    expect(text).toBe('ä界'.repeat(6000));
  });

  it('ends at 512 KiB and says so', () => {
    const log = new BuildLog(mintFolder(), 1, () => undefined);
    for (let line = 0; line < 60; line++) log.line('x'.repeat(10_000));
    expect(log.size).toBeLessThan(513 * 1024);
    expect(log.read(log.size - 60).text).toContain('cut here');
  });

  it('survives the runner, and goes with the next start', () => {
    const folder = mintFolder();
    new BuildLog(folder, 1, () => undefined).line('one\n');
    expect(new BuildLog(folder, 1, () => undefined).read(0).text).toBe('one\n');
    new BuildLog(folder, 2, () => undefined).line('two\n');
    expect(() => readFileSync(join(folder, 'build-1.log'))).toThrow(/ENOENT/);
  });
});

describe('the log sender', () => {
  function send() {
    const workspaceId = mintId('workspace');
    const sender = new LogSender();
    const log = new BuildLog(mintFolder(), 5, () => sender.changed(workspaceId));
    const sent: string[] = [];
    const take = (message: FromRunner) => void (message.kind === 'log' && sent.push(`${message.offset}:${message.text}`));
    sender.follow(workspaceId, log);
    return { workspaceId, sender, log, sent, take };
  }

  it('sends what comes, and after a cut goes on where the platform stands', () => {
    const { workspaceId, sender, log, sent, take } = send();
    log.line('before');
    sender.online(take);
    log.line(' more');
    expect(sent).toEqual(['0:before', '6: more']);
    sender.logged(workspaceId, 5, 6);
    sender.offline();
    log.line(' late');
    sender.online(take);
    expect(sent.slice(2)).toEqual(['6: more late']);
  });

  it('goes back when the platform has less, forward when it has more, and ignores other starts', () => {
    const { workspaceId, sender, log, sent, take } = send();
    log.line('0123456789');
    sender.online(take);
    sender.logged(workspaceId, 5, 10);
    sender.offline();
    sender.online(take);
    sender.logged(workspaceId, 4, 0);
    expect(sent).toHaveLength(1);
    sender.logged(workspaceId, 5, 4);
    expect(sent.at(-1)).toBe('4:456789');
  });
});
