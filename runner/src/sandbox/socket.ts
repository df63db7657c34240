import { closeSync, constants, fstatSync, openSync, renameSync, rmSync } from 'node:fs';
import { createServer, connect, type Server, type Socket } from 'node:net';
import { join } from 'node:path';

/**
 * The socket of a helper stands in the workspace's folder, which no sandbox sees: the helper inherits it listening, and
 * its programs have no way to it. Addresses of sockets hold 107 bytes, so they are reached by file descriptors.
 */

const NAME = 'helper.sock';
const O_PATH = 0o10000000;
const byDescriptor = (fd: number) => `/proc/self/fd/${fd}`;

/** Node opens no file for a server that others may have, but says which one it uses. */
function descriptorOf(server: Server): number {
  const { _handle: handle } = server as Server & { _handle?: { fd?: unknown } };
  if (typeof handle?.fd !== 'number') throw new Error('This Node does not tell on which file descriptor it listens');
  return handle.fd;
}

/** Listens by that name in a folder, in place of whatever did. @throws Error when it can't */
export async function bindIn(server: Server, folder: string, name: string): Promise<void> {
  const directory = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  // When the server closes, Node deletes by the address that it was given: the descriptor must mean the same folder until then.
  server.once('close', () => closeSync(directory));
  try {
    // By another name first, for what it deletes is not to be what others have come to know.
    rmSync(join(folder, `${name}.new`), { force: true });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(`${byDescriptor(directory)}/${name}.new`, resolve);
    });
    renameSync(join(folder, `${name}.new`), join(folder, name));
  } catch (error) {
    if (!server.listening) server.emit('close');
    throw error;
  }
}

/**
 * Makes the socket anew. @param start starts the helper, which inherits it by file descriptor
 * @throws Error when it can't listen there, or what `start` throws
 */
export async function listenIn<T>(folder: string, start: (listening: number) => T): Promise<T> {
  const server = createServer();
  try {
    await bindIn(server, folder, NAME);
    return start(descriptorOf(server));
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
}

/** Connects to the helper that listens there. @throws Error when there is no socket; the socket tells what else fails */
export function dialIn(folder: string): Socket {
  const fd = openSync(join(folder, NAME), O_PATH | constants.O_NOFOLLOW);
  if (!fstatSync(fd).isSocket()) {
    closeSync(fd);
    throw new Error(`${join(folder, NAME)} is no socket`);
  }
  const socket = connect(byDescriptor(fd));
  // The system has looked at the address by now; what may still come is only its answer.
  closeSync(fd);
  return socket;
}

export const removeSocket = (folder: string): void => rmSync(join(folder, NAME), { force: true });
