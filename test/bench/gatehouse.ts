import type { Person } from '../../scripts/api.ts';
import { concat } from '@gatehouse/core/protocol/bytes.ts';
import { NodePage } from '../support/node-page.ts';
import type { PageTerminal } from '../support/page-terminal.ts';
import { nodeAead } from '../../runner/src/link/node-aead.ts';
import { within } from './measure.ts';
import { workerdOf } from './processes.ts';
import type { Line, WorkspaceLine, WorkspaceSystem } from './system.ts';

interface Place {
  owner: Person;
  origin: string;
  port: number;
  stateDir: string;
  workspaceId: string;
  runnerPid: number;
}

/** Shells of a Gatehouse workspace, each on a page of its own: the page's own connection, without a browser. */
export function gatehouse(place: Place): WorkspaceSystem {
  return {
    name: 'gatehouse',
    port: place.port,
    reconnects: true,
    open: (onBytes, via) => openShell(place, onBytes, via),
    processes: () => ({ server: workerdOf(place.stateDir), runner: [place.runnerPid] }),
    stop: async () => undefined,
  };
}

/**
 * A page of the owner, once it is connected. It seals by node:crypto: a call of Node's WebCrypto that finds its threads
 * asleep takes 0.4 to 1 ms, of Chromium's 0.1 ms, and what is measured here is the way, not Node.
 * @param via port to dial instead of the server's own
 */
export function loadPage({ owner, origin, workspaceId }: Pick<Place, 'owner' | 'origin' | 'workspaceId'>, via?: number): Promise<NodePage> {
  const address = { origin, workspaceId, ...(via === undefined ? {} : { via }) };
  return within(15, 'the hello of the runner', NodePage.load(owner, address, undefined, nodeAead));
}

async function openShell(place: Place, onBytes: (bytes: Uint8Array) => void, via?: number): Promise<WorkspaceLine> {
  const page = await loadPage(place, via);
  const terminal = await within(15, 'pty.open', page.terminal(null, onBytes));
  return {
    ...lineOf(page, terminal),
    join: async (onJoinedBytes): Promise<Line> => {
      const joined = await loadPage(place, via);
      const line = lineOf(joined, await within(15, 'pty.attach', joined.terminal(terminal.id, onJoinedBytes)));
      return { ...line, close: async () => joined.close() };
    },
    read: (path) => within(60, `reading ${path}`, read(page, path)),
    write: async (path, bytes) => void (await within(120, `writing ${path}`, page.files.write(path, bytes, '*'))),
    close: async () => {
      page.thaw();
      // A terminal that is left because of a cut would live on.
      await page.connected();
      await page.connection.call({ method: 'pty.close', terminalId: terminal.id }).catch(() => undefined);
      page.close();
      if (terminal.faults.length > 0) throw new Error(terminal.faults.join('; '));
    },
  };
}

const lineOf = (page: NodePage, terminal: PageTerminal): Omit<Line, 'close'> => ({
  closes: page.closes,
  send: (bytes) => terminal.type(Buffer.from(bytes).toString()),
  pause: () => page.freeze(),
  resume: () => page.thaw(),
});

/** All bytes of a file, also of one that the editor would not open. */
function read({ connection }: NodePage, path: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const pieces: Uint8Array[] = [];
    const stream = connection.open(
      { method: 'files.read', path },
      {
        head: () => undefined,
        data: (bytes, offset) => {
          pieces.push(bytes);
          stream?.took(offset + bytes.byteLength);
        },
        finished: () => {
          stream?.done();
          resolve(Buffer.from(concat(...pieces).buffer));
        },
        ended: reject,
      },
    );
  });
}
