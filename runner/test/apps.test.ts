import { createServer, type AddressInfo } from 'node:net';
import { readFileSync } from 'node:fs';
import { challengeText } from '@gatehouse/core/protocol/connection.ts';
import { decodeFrame, decodeJson, encodeControl, encodeFrame, encodeJson, type Frame } from '@gatehouse/core/protocol/frame.ts';
import { portList } from '@gatehouse/core/protocol/services.ts';
import { tunnelHead, tunnelPath, type TunnelOpen } from '@gatehouse/core/protocol/tunnel.ts';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { WebSocket as Client, WebSocketServer, type WebSocket } from 'ws';
import { AppTunnel } from '../src/apps/app-tunnel.ts';
import { systemClock } from '../src/connection/clock.ts';
import { theMachine } from '../src/egress/outside.ts';
import { Reads } from '../src/link/reads.ts';
import type { SocketEvents } from '../src/connection/socket.ts';
import type { DriverKind, Sandbox } from '../src/sandbox/driver.ts';
import { homeOf } from '../src/sandbox/prepare.ts';
import { startLimited } from './support/limited.ts';
import { isolationMissing, mintPlan, runIn, startSandbox } from './support/sandbox.ts';
import { mintId, silentLog } from './support/mint.ts';

const missing = isolationMissing();
const DRIVERS: DriverKind[] = missing === null ? ['bubblewrap', 'process'] : ['process'];

/** A web app in the sandbox: it says what it was asked, and how much it was sent. */
const APP = `from http.server import *
import json, sys
class App(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def answer(self):
        body = self.rfile.read(int(self.headers.get('content-length') or 0))
        text = json.dumps({'verb': self.command, 'path': self.path, 'host': self.headers.get('host'), 'bytes': len(body)}).encode()
        if self.path.startswith('/large'): text = b'x' * 3000000
        self.send_response(200); self.send_header('Content-Length', str(len(text))); self.end_headers(); self.wfile.write(text)
    do_GET = do_POST = answer
    def log_message(self, *a): pass
ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), App).serve_forever()`;

/** A port that nobody uses now. */
async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => probe.once('listening', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

async function startApp(sandbox: Sandbox, port: number): Promise<void> {
  await runIn(sandbox, `cat > "$HOME/app.py" <<'END'\n${APP}\nEND\nnohup python3 "$HOME/app.py" ${port} >/dev/null 2>&1 &`);
  await vi.waitFor(async () => expect(await portsOf(sandbox)).toContain(port), { timeout: 10_000, interval: 100 });
}

/** What listens, as the helper sees it first. */
const portsOf = (sandbox: Sandbox): Promise<number[]> =>
  new Promise((resolve, reject) => {
    const stream = sandbox.helper.open(
      { method: 'ports.watch' },
      {
        head: () => undefined,
        message: (value) => {
          stream.reset();
          resolve(portList.parse(value).ports.map(({ port }) => port));
        },
        gone: () => reject(new Error('gone')),
      },
    );
  });

/** A tunnel whose platform the test is. */
function openTunnel(sandbox: Sandbox, only: number[] | null = null) {
  const workspaceId = mintId('workspace');
  const frames: Frame[] = [];
  let events: SocketEvents | undefined;
  const streams: Array<{ path: string; key: string }> = [];
  const platform = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  const joined: WebSocket[] = [];
  platform.on('connection', (socket) => joined.push(socket));
  const tunnel = new AppTunnel(
    {
      dial: (_path, given) => {
        events = given;
        return { buffered: 0, send: (message) => frames.push(decodeFrame(Uint8Array.from(message as Uint8Array))), close: () => undefined };
      },
      refusal: async () => null,
      clock: systemClock,
      log: silentLog,
      sign: (text) => `signed ${text}`,
      reads: new Reads(systemClock),
      dialStream: (path, key) => {
        streams.push({ path, key });
        return new Client(`ws://127.0.0.1:${(platform.address() as AddressInfo).port}`);
      },
    },
    workspaceId,
    sandbox.helper,
  );
  tunnel.allow({ ports: { only } });
  events?.opened();
  onTestFinished(() => {
    tunnel.stop();
    platform.close();
  });
  let last = 0;
  const say = (type: Frame['type'], stream: number, payload: Uint8Array = new Uint8Array(), offset = 0) =>
    events?.binary(encodeFrame({ type, stream, payload, offset, viewer: 0, sealed: false }));
  const control = (message: object) => events?.binary(encodeControl(message));
  const open = (request: TunnelOpen): number => {
    say('open', ++last, encodeJson(request));
    return last;
  };
  const wait = (type: Frame['type'], stream: number) =>
    vi.waitFor(() => frames.find((frame) => frame.type === type && frame.stream === stream) ?? Promise.reject(new Error(type)), {
      timeout: 8000,
      interval: 10,
    });
  const headOf = async (stream: number) => tunnelHead.parse(decodeJson((await wait('head', stream)).payload));
  const bytesOf = (stream: number) =>
    frames.filter((frame) => frame.type === 'data' && frame.stream === stream).reduce((sum, { payload }) => sum + payload.byteLength, 0);
  const textOf = (stream: number) =>
    frames
      .filter((frame) => frame.type === 'data' && frame.stream === stream)
      .map(({ payload }) => Buffer.from(payload).toString())
      .join('');
  return { workspaceId, tunnel, frames, say, control, open, wait, headOf, bytesOf, textOf, streams, joined };
}

const get = (port: number, path = '/', more: Partial<Extract<TunnelOpen, { kind: 'request' }>> = {}): TunnelOpen => ({
  ...{ kind: 'request', port, method: 'GET', path, headers: [['host', `localhost:${port}`]], body: false },
  ...more,
});

describe.skipIf(missing !== null)('a sandbox with ways out', () => {
  it('A3: does not take them for its apps', async () => {
    const { sandbox } = await startLimited(theMachine);
    expect(await portsOf(sandbox)).toEqual([]);
  });
});

describe.each(DRIVERS)('web apps in a sandbox (%s)', (kind) => {
  it('A3: reaches what its own programs listen on, and nothing else on this machine', async () => {
    const sandbox = await startSandbox(kind);
    const port = await freePort();
    await startApp(sandbox, port);
    const outside = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => outside.once('listening', resolve));
    onTestFinished(() => void outside.close());
    const { port: foreign } = outside.address() as AddressInfo;
    expect(await portsOf(sandbox)).not.toContain(foreign);
    const link = openTunnel(sandbox);
    const reached = link.open(get(port, '/a?b'));
    expect(await link.headOf(reached)).toMatchObject({ ok: true, status: 200 });
    await link.wait('fin', reached);
    expect(JSON.parse(link.textOf(reached))).toEqual({ verb: 'GET', path: '/a?b', host: `localhost:${port}`, bytes: 0 });
    expect(await link.headOf(link.open(get(foreign)))).toMatchObject({ ok: false, code: 'not-listening' });
  });

  it('A3: and of these only what the signed policy opens', async () => {
    const sandbox = await startSandbox(kind);
    const port = await freePort();
    await startApp(sandbox, port);
    const link = openTunnel(sandbox, [port + 1]);
    expect(await link.headOf(link.open(get(port)))).toMatchObject({ ok: false, code: 'refused' });
    link.tunnel.allow({ ports: { only: [port] } });
    expect(await link.headOf(link.open(get(port)))).toMatchObject({ ok: true });
  });
});

describe('the runner’s end of the tunnel', () => {
  const kind = DRIVERS[0] ?? 'process';

  it('A1: proves its key for the path of the tunnel', async () => {
    const link = openTunnel(await startSandbox(kind));
    link.control({ kind: 'challenge', nonce: 'once' });
    const said = decodeJson((await link.wait('control', 0)).payload);
    expect(said).toEqual({ kind: 'proof', signature: `signed ${challengeText('once', tunnelPath(link.workspaceId))}` });
  });

  it('A5: sends no more of an answer than is taken, and takes a body as the app does', async () => {
    const sandbox = await startSandbox(kind);
    const port = await freePort();
    await startApp(sandbox, port);
    const link = openTunnel(sandbox);
    const large = link.open(get(port, '/large'));
    await vi.waitFor(() => expect(link.bytesOf(large)).toBe(512 * 1024), { timeout: 8000 });
    link.say('ack', large, undefined, 100_000);
    await vi.waitFor(() => expect(link.bytesOf(large)).toBe(512 * 1024 + 100_000), { timeout: 8000 });
    const posted = link.open(get(port, '/', { method: 'POST', body: true, headers: [['content-length', '5']] }));
    link.say('data', posted, Buffer.from('hello'));
    link.say('fin', posted);
    expect((await link.wait('ack', posted)).offset).toBe(5);
    await link.wait('fin', posted);
    expect(JSON.parse(link.textOf(posted))).toMatchObject({ verb: 'POST', bytes: 5 });
  });

  it('A6: dials for a WebSocket with its key once the app has agreed, and closes it when it is told', async () => {
    const sandbox = await startSandbox(kind);
    const port = await freePort();
    // Python has no WebSocket of its own; this is its handshake, and an echo of short messages.
    const echo = `import socket, base64, hashlib
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind(('127.0.0.1', ${port})); s.listen()
c, _ = s.accept(); h = c.recv(4096).decode()
key = [l.split(': ')[1] for l in h.split('\\r\\n') if l.lower().startswith('sec-websocket-key')][0]
a = base64.b64encode(hashlib.sha1((key + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11').encode()).digest()).decode()
c.send(f'HTTP/1.1 101 OK\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\nSec-WebSocket-Accept: {a}\\r\\n\\r\\n'.encode())
while True:
    f = c.recv(4096)
    if not f: break
    n = f[1] & 127; m = f[2:6]; d = bytes(b ^ m[i % 4] for i, b in enumerate(f[6:6+n]))
    c.send(bytes([f[0], n]) + d)`;
    await runIn(sandbox, `cat > "$HOME/echo.py" <<'END'\n${echo}\nEND\nnohup python3 "$HOME/echo.py" >/dev/null 2>&1 &`);
    await vi.waitFor(async () => expect(await portsOf(sandbox)).toContain(port), { timeout: 10_000, interval: 100 });
    const link = openTunnel(sandbox);
    const stream = link.open({ kind: 'socket', port, path: '/', headers: [], protocols: [], key: 'the key' });
    expect(await link.headOf(stream)).toMatchObject({ ok: true, status: 101 });
    await vi.waitFor(() => expect(link.joined).toHaveLength(1));
    expect(link.streams).toEqual([{ path: `${tunnelPath(link.workspaceId)}/${stream}`, key: 'the key' }]);
    const [socket] = link.joined;
    const heard = new Promise<string>((resolve) => socket?.once('message', (message: Buffer) => resolve(message.toString())));
    socket?.send('hello');
    expect(await heard).toBe('hello');
    const closed = new Promise<number>((resolve) => socket?.once('close', resolve));
    link.say('reset', stream, encodeJson({ why: 'taken away', close: 4403 }));
    expect(await closed).toBe(4403);
    expect(decodeJson((await link.wait('control', 0)).payload)).toEqual({ kind: 'closed', stream, bytesIn: 5, bytesOut: 5 });
  });

  it('keeps the programs of apps running, with a log in the home', async () => {
    const plan = mintPlan();
    const sandbox = await startSandbox(kind, plan);
    const command = 'echo "up on $PORT"; echo run >> runs; exit 3';
    await sandbox.helper.call({ method: 'app.start', apps: [{ label: 'short', port: 8123, command }] });
    await vi.waitFor(() => expect(readFileSync(`${homeOf(plan)}/runs`, 'utf8')).toBe('run\nrun\n'), { timeout: 8000, interval: 100 });
    const log = readFileSync(`${homeOf(plan)}/.local/state/gatehouse/short.log`, 'utf8');
    expect(log).toContain('up on 8123');
    expect(log).toMatch(/ended with exit code 3; it starts again in 1 s/);
  });
});
