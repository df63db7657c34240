import { spawn } from '@lydell/node-pty';
import { WebSocket } from 'ws';

/** With `encoding: null` the PTY speaks bytes both ways, which its published types do not say. */
interface BytePty {
  onData(listener: (bytes: string | Uint8Array) => void): unknown;
  onExit(listener: () => void): unknown;
  write(bytes: string | Uint8Array): void;
  kill(signal: string): void;
}

/** The far end of the bare relay: a shell whose bytes go straight into a socket. Run as a program of its own. */
const socket = new WebSocket(process.argv[2] ?? '', { perMessageDeflate: false });
socket.once('open', () => {
  const pty: BytePty = spawn('/bin/bash', [], { name: 'xterm-256color', cols: 120, rows: 40, encoding: null });
  pty.onData((bytes) => socket.send(typeof bytes === 'string' ? Buffer.from(bytes) : bytes));
  pty.onExit(() => socket.close());
  socket.on('message', (message: Buffer) => pty.write(message));
  const end = () => {
    pty.kill('SIGKILL');
    process.exit(0);
  };
  socket.on('close', end);
  process.on('SIGTERM', end);
});
socket.on('error', (error) => {
  throw error;
});
