import type { FromRunner } from '@gatehouse/core/protocol/runner-control.ts';
import { expect, it } from 'vitest';
import { mintFolder, mintId, silentLog } from '../../test/support/mint.ts';
import { LogSender } from '../control/log-sender.ts';
import { Story } from './story.ts';

it('closes a log for good: after a cut nothing is read from it, nor from a file that has its descriptor now', () => {
  const [sender, sent]: [LogSender, FromRunner[]] = [new LogSender(), []];
  const story = new Story(
    {
      log: silentLog,
      report: () => undefined,
      followLog: (workspaceId, log) => sender.follow(workspaceId, log),
      forgetLog: (workspaceId) => sender.forget(workspaceId),
      logChanged: (workspaceId) => sender.changed(workspaceId),
    },
    mintFolder(),
    { workspaceId: mintId('workspace'), name: 'dev', generation: 1, settled: null },
  );
  story.openLog(1).line('not sent yet\n');
  story.closeLog();
  sender.online((message) => sent.push(message));
  expect(sent).toEqual([]);
});
