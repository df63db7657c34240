import { webAead } from '@gatehouse/core/protocol/web-aead.ts';
import { isThere } from '#lib/api/health.ts';
import { browserKey } from '#lib/api/proof.ts';
import * as workspaces from '#lib/api/workspaces.ts';
import { attachTo } from './connection/attach.ts';
import { socketTo } from './connection/browser-socket.ts';
import { Connection } from './connection/connection.ts';
import { type Begun, HeldEvents } from './connection/held-events.ts';
import { pinsIn } from './connection/pins.ts';
import { browserClock, type ProofKey } from './connection/ports.ts';

/** Whose browser it is. */
export interface BrowserUser {
  id: string;
  tenantId: string;
}

/** Begins a connection to a workspace. */
export function begin(workspaceId: string, user: BrowserUser): Begun {
  const held = new HeldEvents();
  const api = {
    attach: async (key: ProofKey) => {
      const attachment = await workspaces.attach(workspaceId, key);
      held.admitted(attachment);
      return attachment;
    },
    get: () => workspaces.get(workspaceId),
  };
  const connection = new Connection(
    {
      workspaceId,
      attach: attachTo(api, held.seen),
      isThere,
      openSocket: socketTo(workspaceId),
      clock: browserClock,
      random: Math.random,
      clientId: crypto.randomUUID(),
      key: browserKey,
      pins: pinsIn(localStorage, `${user.tenantId}.${user.id}`),
      makeAead: webAead,
      online: () => navigator.onLine,
    },
    held,
  );
  connection.start();
  return { connection, listen: (events) => held.hand(events) };
}
