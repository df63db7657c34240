import { attachment, workspace } from '@gatehouse/core/api/workspaces.ts';
import { DPOP_HEADER, signDpop } from '@gatehouse/core/protocol/dpop.ts';
import { SUBPROTOCOL } from '@gatehouse/core/protocol/frame.ts';
import { webAead } from '@gatehouse/core/protocol/web-aead.ts';
import { attachTo } from '../../../web/src/lib/ide/connection/attach.ts';
import { browserKeyIn } from '../../../web/src/lib/ide/connection/browser-key.ts';
import { Connection } from '../../../web/src/lib/ide/connection/connection.ts';
import { browserClock, type OpenSocket } from '../../../web/src/lib/ide/connection/ports.ts';
import { PageTerminal } from '../../support/page-terminal.ts';

/** A shell, as the page that is measured has it. */
interface PageLine {
  type(text: string): void;
  close(): Promise<void>;
}

type OnBytes = (bytes: Uint8Array) => void;

/** What the page's own client of the API does, without the types of the whole API. */
async function ask(method: string, path: string, body?: object, proof: Record<string, string> = {}): Promise<unknown> {
  const headers = { 'Content-Type': 'application/json', ...proof };
  const answer = await fetch(path, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}`);
  return answer.json();
}

const socketAt =
  (path: string): OpenSocket =>
  (ticket, events) => {
    const socket = new WebSocket(path, [SUBPROTOCOL, `ticket.${ticket}`]);
    socket.binaryType = 'arraybuffer';
    socket.addEventListener('message', ({ data }: MessageEvent<string | ArrayBuffer>) => events.received(data));
    socket.addEventListener('close', ({ code, reason }) => events.closed(code, reason));
    return {
      send: (message) => socket.send(message),
      close: (code, reason) => socket.close(code, reason),
      buffered: () => socket.bufferedAmount,
    };
  };

async function ours(workspaceId: string, onBytes: OnBytes): Promise<PageLine> {
  const path = `/api/v1/workspaces/${workspaceId}`;
  const connected = Promise.withResolvers<undefined>();
  const key = browserKeyIn(indexedDB);
  const pins = new Map<string, string>();
  const ignore = (): void => undefined;
  const connection = new Connection(
    {
      workspaceId,
      attach: attachTo(
        {
          attach: async (own) => {
            const url = `${location.origin}${path}/attach`;
            const proof = { [DPOP_HEADER]: await signDpop(own, { method: 'POST', url, now: Date.now() }) };
            return attachment.parse(await ask('POST', `${path}/attach`, { key: own.publicKey }, proof));
          },
          get: async () => workspace.parse(await ask('GET', path)),
        },
        ignore,
      ),
      isThere: () => Promise.resolve(true),
      openSocket: socketAt(`${path}/connect`),
      clock: browserClock,
      random: Math.random,
      clientId: crypto.randomUUID(),
      key: () => key,
      pins: { get: (id) => pins.get(id) ?? null, set: (id, fingerprint) => pins.set(id, fingerprint) },
      makeAead: webAead,
      online: () => true,
    },
    { changed: ignore, connected: () => connected.resolve(undefined), people: ignore, notice: ignore, latency: ignore },
  );
  connection.start();
  await connected.promise;
  const linked = { id: null, key: crypto.randomUUID(), name: '', size: { cols: 120, rows: 40 } };
  const terminal = new PageTerminal(connection, browserClock, linked, onBytes);
  void terminal.link.connect();
  await terminal.joined;
  return {
    type: (text) => terminal.type(text),
    close: async () => {
      await connection.call({ method: 'pty.close', terminalId: terminal.id });
      connection.stop();
    },
  };
}

async function relay(address: string, onBytes: OnBytes): Promise<PageLine> {
  const socket = new WebSocket(address);
  socket.binaryType = 'arraybuffer';
  const joined = Promise.withResolvers<undefined>();
  socket.addEventListener('message', ({ data }: MessageEvent<string | ArrayBuffer>) =>
    typeof data === 'string' ? joined.resolve(undefined) : onBytes(new Uint8Array(data)),
  );
  await joined.promise;
  const encoder = new TextEncoder();
  return { type: (text) => socket.send(encoder.encode(text)), close: () => Promise.resolve(socket.close()) };
}

/** Types single bytes into a raw `cat`. @returns milliseconds from each to its echo */
async function echoes(system: 'gatehouse' | 'relay', address: string, count: number): Promise<number[]> {
  const decoder = new TextDecoder();
  let output = '';
  let heard: () => void = () => undefined;
  const line = await (system === 'gatehouse' ? ours : relay)(address, (bytes) => {
    output = (output + decoder.decode(bytes)).slice(-512);
    heard();
  });
  const until = (holds: () => boolean) =>
    new Promise<void>((resolve) => {
      heard = () => holds() && resolve();
      heard();
    });
  line.type("stty raw -echo; printf 'G''O\\n'; cat\n");
  await until(() => output.includes('GO\n'));
  const samples: number[] = [];
  while (samples.length < count) {
    await new Promise((resolve) => setTimeout(resolve, 20 + Math.random() * 60));
    const byte = String.fromCharCode(97 + Math.floor(Math.random() * 26));
    output = '';
    const start = performance.now();
    line.type(byte);
    await until(() => output !== '');
    samples.push(performance.now() - start);
    if (output !== byte) throw new Error(`Typed ${byte}, got ${JSON.stringify(output)}`);
  }
  await line.close();
  return samples;
}

Object.assign(globalThis, { echoes });
