import { connect, createServer, type Server, type Socket } from 'node:net';

export interface Line {
  port: number;
  /** ends what goes through and refuses what comes, until `mend` */
  cut(): Promise<void>;
  mend(): Promise<void>;
}

/** A TCP line to a port of this machine, so that what is behind it can be gone for a while without losing its memory. */
export async function layLine(target: number): Promise<Line> {
  const sockets = new Set<Socket>();
  let server: Server | null = null;
  const line = {
    port: 0,
    cut: async () => {
      const open = server;
      server = null;
      for (const socket of sockets) socket.destroy();
      if (open) await new Promise((closed) => open.close(closed));
    },
    mend: async () => {
      if (server) return;
      const next = createServer((near) => join(near, connect(target, '127.0.0.1'), sockets));
      await new Promise<void>((ready, failed) => next.once('error', failed).listen(line.port, '127.0.0.1', ready));
      const address = next.address();
      line.port = typeof address === 'object' && address !== null ? address.port : 0;
      server = next;
    },
  };
  await line.mend();
  return line;
}

function join(near: Socket, far: Socket, sockets: Set<Socket>): void {
  for (const [from, to] of [
    [near, far],
    [far, near],
  ] as const) {
    sockets.add(from);
    from.pipe(to);
    from.on('error', () => undefined);
    from.on('close', () => (to.destroy(), sockets.delete(from)));
  }
}
