import { connect, createServer } from 'node:net';
import type { HelperSettings } from '../channel/requests.ts';

/** Leads loopback ports of a sandbox without a network to the runner's sockets. It looks at nothing: the runner does. */
export function openForwards(forwards: HelperSettings['forwards']): void {
  for (const { port, socket } of forwards) {
    const server = createServer({ allowHalfOpen: true }, (inside) => {
      const outside = connect({ path: socket, allowHalfOpen: true });
      const cut = () => {
        inside.destroy();
        outside.destroy();
      };
      inside.on('error', cut).pipe(outside);
      outside.on('error', cut).pipe(inside);
      inside.on('close', () => outside.writableFinished || outside.destroy());
      outside.on('close', () => inside.writableEnded || inside.destroy());
    });
    // A program of the workspace may have taken the port; what needs it then tells so itself.
    server.on('error', () => undefined).listen(port, '127.0.0.1');
  }
}
