import { createServer, connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { encodeFrame, encodeJson, type Frame } from '@gatehouse/core/protocol/frame.ts';
import { describe, expect, it, onTestFinished } from 'vitest';
import { writeFrame } from '../../src/channel/framing.ts';
import { HelperClient } from '../../src/channel/helper-client.ts';
import { CHANNEL_VERSION } from '../../src/channel/requests.ts';
import { mintFolder } from '../support/mint.ts';
import { describePrisons } from './support/prison.ts';

/** A runner's end whose helper says what `speak` writes. @returns what the runner thinks of it, and its open request's fate */
async function hear(speak: (socket: Socket) => void): Promise<{ why: string; answer: unknown }> {
  const path = join(mintFolder(), 'socket');
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    writeFrame(socket, { type: 'message', stream: 0, payload: encodeJson({ kind: 'ready', version: CHANNEL_VERSION }) });
    socket.once('data', () => speak(socket));
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  onTestFinished(() => void server.close());
  const socket = connect(path);
  socket.on('error', () => undefined);
  onTestFinished(() => void socket.destroy());
  return new Promise((resolve) => {
    const client = new HelperClient(socket, (why) => {
      client.close();
      socket.destroy();
      void answer.then((value) => resolve({ why, answer: value }));
    });
    const answer = client.call({ method: 'files.stat', path: 'x' });
  });
}

const frame = (part: Partial<Frame>): Frame => ({
  type: 'head',
  stream: 1,
  offset: 0,
  payload: encodeJson({ ok: true }),
  viewer: 0,
  sealed: false,
  ...part,
});
const sized = (bytes: Uint8Array, length = bytes.byteLength) => {
  const message = new Uint8Array(4 + bytes.byteLength);
  new DataView(message.buffer).setUint32(0, length);
  message.set(bytes, 4);
  return message;
};

const LIES: [string, (socket: Socket) => void][] = [
  ['a frame of four gigabytes', (socket) => socket.write(sized(new Uint8Array(64), 0xffffffff))],
  ['a frame that is shorter than its header', (socket) => socket.write(sized(new Uint8Array(2)))],
  ['noise', (socket) => socket.write(sized(new Uint8Array(200).fill(0xee)))],
  ['a head that is no JSON', (socket) => socket.write(sized(encodeFrame(frame({ payload: new Uint8Array([0x7b, 0xff]) }))))],
  ['a head that is no answer', (socket) => socket.write(sized(encodeFrame(frame({ payload: encodeJson({ ok: 'perhaps' }) }))))],
  ['a head that is nested without end', (socket) => socket.write(sized(encodeFrame(frame({ payload: Buffer.from('['.repeat(15_000)) }))))],
  [
    'that it is of another version, in the middle',
    (socket) => socket.write(sized(encodeFrame(frame({ type: 'message', stream: 0, payload: encodeJson({ kind: 'ready', version: 7 }) })))),
  ],
  [
    'a prototype in place of an answer',
    (socket) => socket.write(sized(encodeFrame(frame({ payload: Buffer.from('{"__proto__":{"ok":true}}') })))),
  ],
];

describe('a helper that lies to its runner', () => {
  it.each(LIES)('by %s is left, and everything that waits for it is told so', async (_name, speak) => {
    const { why, answer } = await hear(speak);
    expect(why).toMatch(/its helper (broke the protocol|speaks version)/);
    expect(answer).toMatchObject({ ok: false });
    expect(({} as { ok?: unknown }).ok).toBeUndefined();
  });

  it('by answers to what nobody asked is not heard', async () => {
    const { why } = await hear((socket) => {
      for (let stream = 2; stream < 5000; stream++) socket.write(sized(encodeFrame(frame({ stream }))));
      socket.write(sized(new Uint8Array(2)));
    });
    expect(why).toContain('broke the protocol');
  });
});

describePrisons('a helper in hostile hands', (prison) => {
  it('that is killed ends its workspace, with a reason, and no other', async () => {
    const [neighbour, mallory] = [await prison().cell(), await prison().cell()];
    void mallory.run('kill -9 $PPID').catch(() => undefined);
    expect(await mallory.ended()).toContain('its helper has ended');
    expect((await neighbour.run('echo alive')).output).toBe('alive');
  });

  it('that is stopped keeps nobody but its own workspace waiting, and can be ended', async () => {
    const [neighbour, mallory] = [await prison().cell(), await prison().cell()];
    void mallory.run('kill -STOP $PPID').catch(() => undefined);
    void mallory.call({ method: 'files.stat', path: '' }).catch(() => undefined);
    expect((await neighbour.run('echo alive')).output).toBe('alive');
    await mallory.stop();
    expect(await mallory.ended()).toContain('its helper has ended');
    expect((await neighbour.run('echo alive')).output).toBe('alive');
  });

  it('whose socket is written to by a program breaks its own connection at most', async () => {
    const [neighbour, mallory] = [await prison().cell(), await prison().cell()];
    // A program of the same user may trace its helper; sockets are not to be opened through /proc.
    expect(
      await mallory.escapes({
        'the helper’s socket through /proc':
          'for fd in /proc/$PPID/fd/*; do [[ $(readlink $fd) == socket* ]] && (echo x > $fd) && exit 0; done; exit 1',
      }),
    ).toEqual([]);
    expect((await neighbour.run('echo alive')).output).toBe('alive');
  });
});
