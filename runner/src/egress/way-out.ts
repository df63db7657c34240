import { chmodSync } from 'node:fs';
import type { Server as HttpServer } from 'node:http';
import type { Server } from 'node:net';
import { join } from 'node:path';
import type { GitCredentials } from '@gatehouse/core/protocol/runner-policy.ts';
import type { Clock } from '../connection/clock.ts';
import type { SandboxNetwork } from '../sandbox/driver.ts';
import { bindIn } from '../sandbox/socket.ts';
import { GitProxy } from './git-proxy.ts';
import { GIT_SOCKET, makeSocketFolder, networkInside, resourceSocket, WEB_SOCKET } from './inside.ts';
import type { Outside } from './outside.ts';
import { serveResource } from './tcp-resource.ts';
import { Trail, type TrailContext } from './trail.ts';
import type { Ways } from './ways.ts';
import { WebProxy } from './web-proxy.ts';

export interface WayOutContext extends TrailContext {
  outside: Outside;
  clock: Clock;
  /** in force now */
  ways(): Ways;
  credentials(): GitCredentials;
}

/** All ways out of one running workspace: its proxies, on sockets that stand in its folder and are shown to its sandbox. */
export class WayOut {
  /** what its sandbox is made with; a sandbox that is taken over has it already */
  readonly inside: SandboxNetwork;
  readonly #servers: (Server | HttpServer)[];
  readonly #trail: Trail;

  private constructor(inside: SandboxNetwork, servers: (Server | HttpServer)[], trail: Trail) {
    this.inside = inside;
    this.#servers = servers;
    this.#trail = trail;
  }

  /** @param folder of the workspace @throws Error when its sockets can't be made */
  static async open(folder: string, context: WayOutContext): Promise<WayOut> {
    const trail = new Trail(context);
    const { outside, ways, credentials } = context;
    const gateway = { outside, trail, ways };
    const { network } = ways();
    const sockets = makeSocketFolder(folder);
    const servers: [string, Server | HttpServer][] = [
      [WEB_SOCKET, new WebProxy(gateway).server],
      [GIT_SOCKET, new GitProxy({ ...gateway, credentials, now: () => context.clock.now() }).server],
      ...network.resources.map(({ name }): [string, Server] => [resourceSocket(name), serveResource(gateway, name)]),
    ];
    const wayOut = new WayOut(
      networkInside(sockets, network),
      servers.map(([, server]) => server),
      trail,
    );
    try {
      for (const [name, server] of servers) {
        await bindIn(server, sockets, name);
        // The workspace's user is another one; who sees the folder at all is decided by the sandbox.
        chmodSync(join(sockets, name), 0o666);
      }
    } catch (error) {
      wayOut.close();
      throw error;
    }
    return wayOut;
  }

  /** Cuts what goes through it, and tells what was not told yet. */
  close(): void {
    this.#trail.close();
    for (const server of this.#servers) {
      if (server.listening) server.close();
      if ('closeAllConnections' in server) server.closeAllConnections();
    }
  }
}
