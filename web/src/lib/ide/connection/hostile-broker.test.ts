import { encodeFrame, encodeJson, HEADER_BYTES, type Frame } from '@gatehouse/core/protocol/frame.ts';
import { beforeEach, describe, expect, it } from 'vitest';
import { Bench } from '../testing/connected.ts';
import { ALONE, VIEWER, type FakeLink } from '../testing/fake-runner.ts';

type Message = Uint8Array<ArrayBuffer>;

let bench: Bench;
let link: FakeLink;
let received: string[];

/** A stream that the runner writes three messages to, and what of them reaches the page. */
beforeEach(async () => {
  bench = new Bench();
  await bench.connect();
  link = bench.runner.link;
  received = [];
  bench.connection.open(
    { method: 'files.watch', path: '' },
    { head: () => received.push('head'), message: (body) => received.push(String(body)), ended: ({ code }) => received.push(code) },
  );
  link.send('head', 1, 0, { ok: true });
  received = [];
});

const messages = () => ['a', 'b', 'c'].forEach((body) => link.send('message', 1, 0, body));
const frame = (more: Partial<Frame>): Message =>
  encodeFrame({ type: 'message', sealed: false, viewer: VIEWER, stream: 1, offset: 0, payload: encodeJson('forged'), ...more });

/** SPEC E9: the socket is closed with 4400, and nothing from the first wrong frame on is delivered. */
function expectBroken(delivered: string[]): void {
  expect(link.closed?.code).toBe(4400);
  expect(received).toEqual([...delivered, 'disconnected']);
  expect(bench.state.kind).toBe('reconnecting');
}

describe('E9: a broker that', () => {
  it.each([
    ['the type', 0, 4],
    ['the viewer', 3, 1],
    ['the stream', 7, 2],
    ['the offset', 15, 1],
    ['the payload', HEADER_BYTES, 1],
    ['the tag', -1, 128],
  ])('flips a bit of %s gets nothing but a closed socket', (_name, at, bit) => {
    let sent = 0;
    link.broker = (message) => {
      sent += 1;
      if (sent === 2) message.set([(message.at(at) ?? 0) ^ bit], at < 0 ? message.byteLength + at : at);
      return [message];
    };
    messages();
    expectBroken(['a']);
  });

  it('drops a frame', () => {
    const passed: Message[] = [];
    link.broker = (message) => (passed.push(message) === 2 ? [] : [message]);
    messages();
    expectBroken(['a']);
  });

  it('repeats a frame', () => {
    link.broker = (message) => [message, message];
    messages();
    expectBroken(['a']);
  });

  it('swaps two frames', () => {
    const held: Message[] = [];
    link.broker = (message) => (held.push(message) === 1 ? [] : [message, ...held.slice(0, 1)]);
    messages();
    expectBroken([]);
  });

  it('delivers what was sealed for somebody else', async () => {
    const other = new Bench();
    await other.connect();
    other.runner.link.broker = (message) => {
      link.raw(message);
      return [];
    };
    other.runner.link.send('message', 1, 0, 'for another viewer');
    expectBroken([]);
  });

  it('plays an earlier connection of the same browser again', async () => {
    const recorded: Message[] = [];
    link.broker = (message) => {
      recorded.push(message);
      return [message];
    };
    messages();
    expect(received).toEqual(['a', 'b', 'c']);
    await bench.reconnect();
    const second = bench.runner.link;
    recorded.forEach((message) => second.raw(message));
    expect(second.closed?.code).toBe(4400);
  });

  it.each([
    ['a frame in clear', frame({})],
    ['a hello in clear', frame({ type: 'hello', stream: 0 })],
    ['a sealed frame of its own', frame({ sealed: true, payload: new Uint8Array(40) })],
    ['a sealed frame without a tag', frame({ sealed: true, payload: new Uint8Array(3) })],
    ['a sealed control frame', frame({ type: 'control', sealed: true, viewer: 0, stream: 0 })],
    ['a second handshake', frame({ type: 'handshake', stream: 0, payload: new Uint8Array(48) })],
    ['a second welcome', frame({ type: 'control', viewer: 0, stream: 0, payload: encodeJson({ kind: 'welcome', viewer: 9 }) })],
    ['rubbish', new Uint8Array(16).fill(255)],
    ['less than a frame', new Uint8Array(3)],
  ])('injects %s', (_name, message) => {
    link.raw(message);
    messages();
    expectBroken([]);
  });

  it('sends a genuine frame in clear as well', () => {
    link.broker = (message) => {
      message[1] = 0;
      return [message];
    };
    messages();
    expectBroken([]);
  });
});

describe('before the runner has greeted', () => {
  beforeEach(async () => {
    bench = new Bench();
    await bench.dial();
    link = bench.runner.link;
  });

  it.each([
    ['a sealed frame', { sealed: true, payload: new Uint8Array(40) }],
    ['a frame in clear', {}],
    ['the answer to a handshake', { type: 'handshake', stream: 0, payload: new Uint8Array(48) }],
  ] as const)('%s comes before its time', (_name, more) => {
    link.raw(frame(more));
    expect(link.closed?.code).toBe(4400);
    expect(link.wire).toEqual([]);
  });

  it('E1: a broker can’t answer the handshake itself', async () => {
    link.say('control', { kind: 'welcome', viewer: VIEWER });
    await link.until(() => link.clear.length === 1);
    const closed = new Promise<void>((resolve) => (bench.onState = ({ kind }) => kind === 'reconnecting' && resolve()));
    link.say('handshake', link.clear[0]?.payload ?? new Uint8Array(), { viewer: VIEWER });
    await closed;
    expect(link.closed?.code).toBe(4400);
    expect(link.wire).toHaveLength(1);
  });

  it('O4: only the runner’s hello opens the connection', async () => {
    await link.shake();
    link.presence(ALONE);
    expect(link.closed?.code).toBe(4400);
    expect(bench.state.kind).not.toBe('connected');
  });
});

it('a connection that breaks again and again is given up after the fourth time', async () => {
  for (let time = 0; time < 3; time += 1) {
    bench.runner.link.raw(frame({}));
    await bench.redial();
    await bench.runner.link.greet();
  }
  bench.runner.link.raw(frame({}));
  expect(bench.state).toMatchObject({ kind: 'ended', ended: { why: 'broken' } });
  expect(bench.clock.planned).toEqual([]);
});
