import { createServer, type Server, type Socket } from 'node:net';
import type { Gateway } from './gateway.ts';
import { dial, resolveWithin } from './outside.ts';
import { EgressRefused } from './refusal.ts';
import { MOST_CONNECTIONS, relay } from './relay.ts';
import { resourceOf } from './ways.ts';

/** Serves one TCP resource: each connection is asked for anew, so that one which is taken away is gone. */
export function serveResource(gateway: Gateway, name: string): Server {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (inside) => void pass(gateway, name, inside));
  server.maxConnections = MOST_CONNECTIONS;
  return server;
}

async function pass({ outside, trail, ways }: Gateway, name: string, inside: Socket): Promise<void> {
  inside.on('error', () => undefined);
  try {
    const { resource, reach } = resourceOf(ways(), name);
    const addresses = await resolveWithin(outside, resource.host, reach);
    const socket = await dial(outside, resource.host, addresses, resource.port);
    trail.follow(socket, resource.host, resource.port);
    if (inside.destroyed) return void socket.destroy();
    relay(inside, socket);
  } catch (error) {
    if (error instanceof EgressRefused) trail.refused(`resource ${name}`, null, error.message);
    inside.destroy();
  }
}
