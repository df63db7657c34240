import { fstatSync } from 'node:fs';
import { Socket } from 'node:net';

/**
 * Tells when the runner that started this is gone, where its standard input is a socket which that holds. For the time until it has
 * connected: a runner that was killed in between leaves nobody who knows of this sandbox.
 */
export function watchStarter(gone: () => void): void {
  if (!fstatSync(0).isSocket()) return;
  const starter = new Socket({ fd: 0 });
  starter.on('error', () => undefined);
  starter.once('close', gone);
  starter.resume();
  starter.unref();
}
