import type { RunnerPolicy } from '@gatehouse/core/protocol/runner-policy.ts';
import { onTestFinished } from 'vitest';
import { systemClock } from '../../src/connection/clock.ts';
import type { SocketEvents } from '../../src/connection/socket.ts';
import { GrantChecker } from '../../src/link/grant.ts';
import { clipboardBound } from '../../src/link/policy.ts';
import { Reads } from '../../src/link/reads.ts';
import { WorkspaceLink } from '../../src/link/workspace-link.ts';
import { noTape } from '../../src/recording/terminal-tape.ts';
import { makeKeys } from '../../src/state/keys.ts';
import { TerminalMemory } from '../../src/terminals/memory.ts';
import { Terminals } from '../../src/terminals/terminals.ts';
import { Broker } from './broker.ts';
import { Browser, makeTab, type Tab } from './browser.ts';
import { makeIssuer, type GrantWish } from './issuer.ts';
import { mintFolder, mintId, silentLog } from './mint.ts';
import { noScreens } from './no-screens.ts';
import { Page } from './page.ts';
import { startSandbox } from './sandbox.ts';

/** who joins, unless a test says otherwise */
export const OWNER = mintId('user');

/** A link over sockets in memory to the helper of a real sandbox, with the test as its broker. */
export async function makeLink() {
  const sandbox = await startSandbox('process');
  const [runnerId, workspaceId] = [mintId('runner'), mintId('workspace')];
  const issuer = await makeIssuer();
  const { keys } = makeKeys();
  const policy: { now: RunnerPolicy | null } = { now: {} };
  const reads = new Reads(systemClock);
  const sockets: { broker: Broker; events: SocketEvents; closed: number | null }[] = [];
  const dial = (_path: string, events: SocketEvents) => {
    const broker = new Broker((message) => queueMicrotask(() => events.binary(message)));
    const entry: (typeof sockets)[number] = { broker, events, closed: null };
    sockets.push(entry);
    queueMicrotask(() => events.opened());
    return {
      buffered: 0,
      send: (message: string | Uint8Array) => {
        if (typeof message !== 'string') broker.receive(message);
      },
      close: (code: number) => (entry.closed = code),
    };
  };
  const grants = new GrantChecker({ keys: issuer.keys, issuer: issuer.issuer, runnerId, clock: systemClock });
  let becameReady: () => void = () => undefined;
  const ready = new Promise<void>((resolve) => (becameReady = resolve));
  const link = new WorkspaceLink(
    {
      dial,
      refusal: async () => null,
      clock: { ...systemClock, after: (ms, call) => systemClock.after(ms >= 125 && ms < 250 ? 0 : ms, call) },
      log: silentLog,
      grants,
      sign: keys.sign,
      agreement: keys.agreement,
      reads,
    },
    { workspaceId, generation: 3, root: sandbox.root, sandbox: 'process' },
    {
      terminals: new Terminals(sandbox.helper, new TerminalMemory(mintFolder()), noScreens, {
        tapes: () => noTape,
        mostCopied: () => clipboardBound(policy.now, 'clipboardOut'),
      }),
      helper: sandbox.helper,
      policy: () => policy.now,
      opens: () => null,
    },
    { ready: becameReady, refused: () => undefined },
  );
  onTestFinished(() => link.stop());
  const current = () => {
    const socket = sockets.at(-1);
    if (socket === undefined) throw new Error('not dialled');
    return socket;
  };
  const grant = (tab: Tab, wish: Partial<GrantWish> = {}) => issuer.grant({ runnerId, workspaceId, jkt: tab.jkt, ...wish });
  const way = { workspaceId, agreementKey: keys.agreementKey };
  /** A viewer with a good grant; the same person, unless told otherwise. */
  const join = async (viewer = 1, { tab, ...wish }: Partial<GrantWish> & { tab?: Tab } = {}) => {
    const own = tab ?? (await makeTab());
    return new Page(
      await Browser.join(current().broker, viewer, { ...way, tab: own, grant: await grant(own, { userId: OWNER, ...wish }) }),
    );
  };
  return { sandbox, policy, reads, runnerId, workspaceId, issuer, keys, sockets, current, ready, grant, way, join };
}
