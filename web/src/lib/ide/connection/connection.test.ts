import { decodeJson } from '@gatehouse/core/protocol/frame.ts';
import { CLOSE_CODES } from '@gatehouse/core/protocol/close.ts';
import { viewerHello } from '@gatehouse/core/protocol/connection.ts';
import { verifyViewerProof } from '@gatehouse/core/protocol/viewer-proof.ts';
import { fingerprintOf, type RunnerKeys } from '@gatehouse/core/protocol/runner-keys.ts';
import { rotationText } from '@gatehouse/core/protocol/runner-rotation.ts';
import { encode } from 'jose/base64url';
import { beforeEach, describe, expect, it } from 'vitest';
import { admitted, Bench } from '../testing/connected.ts';
import { ALONE, RUNNER } from '../testing/fake-runner.ts';
import { settle } from '../testing/manual-clock.ts';

let bench: Bench;
beforeEach(() => (bench = new Bench()));

describe('opening', () => {
  it('O1, O2: dials with the ticket and waits for the welcome', async () => {
    await bench.dial();
    expect(bench.runner.link.ticket).toBe('ticket-1');
    expect(bench.runner.link.wire).toEqual([]);
  });

  it('O4: the first sealed frame proves the browser key and carries the grant, which no clear frame does', async () => {
    await bench.dial();
    const { link } = bench.runner;
    await link.shake();
    expect(link.clear.map(({ type, payload }) => [type, payload.byteLength])).toEqual([['handshake', 48]]);
    expect(link.frames.map(({ type, stream, viewer }) => [type, stream, viewer])).toEqual([['hello', 0, 7]]);
    const hello = viewerHello.parse(decodeJson(link.frames[0]?.payload ?? new Uint8Array()));
    expect(hello).toMatchObject({ grant: 'grant-1', clientId: 'client-of-this-page' });
    expect(await verifyViewerProof(hello.key, link.handshakeHash, hello.signature)).toBe(true);
    expect(bench.state.kind).toBe('connecting');
    link.hello();
    expect(bench.state).toMatchObject({ kind: 'connected', hello: { sandbox: 'bubblewrap', viewer: 7 } });
  });

  it('E12: another connection is another handshake, under other keys', async () => {
    await bench.connect();
    await bench.reconnect();
    const [first, second] = bench.runner.links.map((link) => link.clear[0]?.payload);
    expect(first).not.toEqual(second);
    expect(bench.runner.links[0]?.handshakeHash).not.toEqual(bench.runner.link.handshakeHash);
  });

  it.each([
    ['another workspace', { workspaceId: 'wsp_2' }],
    ['another viewer', { viewer: 8 }],
  ])('O4: is not greeted as %s', async (_name, more) => {
    await bench.dial();
    await bench.runner.link.shake();
    const hello = { workspaceId: 'wsp_1', generation: 1, root: '/home/dev', sandbox: 'bubblewrap', viewer: 7 };
    bench.runner.link.send('hello', 0, 0, { ...hello, ...more });
    expect(bench.runner.link.closed?.code).toBe(4400);
    expect(bench.hellos).toEqual([]);
  });

  it('P1: tells who is here and who drives, as the runner says and not the broker', async () => {
    await bench.connect();
    expect(bench.people).toEqual(ALONE);
    bench.runner.link.presence({ ...ALONE, driver: null });
    expect(bench.people?.driver).toBeNull();
    bench.runner.link.say('control', ALONE);
    expect(bench.runner.link.closed?.code).toBe(4400);
  });

  it('P7: shows what the runner tells of the workspace, and passes over what it does not know', async () => {
    await bench.connect();
    bench.runner.link.send('message', 0, 0, { kind: 'notice', text: 'Blocked: host evil.example' });
    bench.runner.link.send('message', 0, 0, { kind: 'of-a-later-release', what: 1 });
    expect(bench.notices).toEqual(['Blocked: host evil.example']);
    expect(bench.state.kind).toBe('connected');
  });

  it('K7: ends as soon as the broker says that it closes, and hears nothing after it', async () => {
    await bench.connect();
    const { link } = bench.runner;
    link.say('control', { kind: 'closing', code: CLOSE_CODES.revoked.code });
    expect(bench.state).toMatchObject({ kind: 'ended', ended: { why: 'revoked' } });
    expect(link.closed?.code).toBe(1000);
    link.presence({ ...ALONE, driver: null });
    expect(bench.people).toEqual(ALONE);
  });

  it('K7: dials again at once where the broker’s close is worth another try', async () => {
    await bench.connect();
    bench.runner.link.say('control', { kind: 'closing', code: CLOSE_CODES.runnerAway.code });
    expect(bench.state.kind).toBe('reconnecting');
    await bench.redial();
    await bench.runner.link.greet();
    expect(bench.state.kind).toBe('connected');
  });

  it('K2: echoes each mark at once, in order, before and after the greeting', async () => {
    await bench.dial();
    const { link } = bench.runner;
    link.say('control', { kind: 'mark', nonce: 3 });
    await link.greet();
    for (const nonce of [9, 2 ** 32 - 1]) link.say('control', { kind: 'mark', nonce });
    const echoes = link.clear.filter(({ type }) => type === 'control').map(({ payload }) => decodeJson(payload));
    expect(echoes).toEqual([3, 9, 2 ** 32 - 1].map((nonce) => ({ kind: 'echo', nonce })));
  });

  it('waits while the workspace is not ready, and looks again more and more gently', async () => {
    const waiting = { kind: 'waiting', reason: 'starting', detail: 'Cloning', percent: 40 } as const;
    bench.outcomes = [waiting, waiting];
    bench.connection.start();
    await settle();
    expect(bench.state).toEqual({ kind: 'waiting', waiting: { reason: 'starting', detail: 'Cloning', percent: 40 } });
    bench.clock.advance(499);
    await settle();
    expect(bench.attached).toBe(1);
    bench.clock.advance(1);
    await settle();
    expect(bench.attached).toBe(2);
    await bench.dialling(() => bench.clock.advance(650));
    await bench.runner.link.greet();
    expect(bench.state.kind).toBe('connected');
  });

  it('gives up on an answer that does not come for 10 s', async () => {
    await bench.dial();
    bench.clock.advance(10_000);
    expect(bench.runner.link.closed?.code).toBe(CLOSE_CODES.slow.code);
    await bench.redial();
    expect(bench.runner.links.map(({ ticket }) => ticket)).toEqual(['ticket-1', 'ticket-2']);
  });
});

/** Keys that a runner had before, and their signed word that these follow. */
async function signedChange({ identityKey, agreementKey }: RunnerKeys) {
  const pair = (await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])) as CryptoKeyPair;
  const raw = new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey));
  const before = { identityKey: encode(raw), agreementKey: encode(crypto.getRandomValues(new Uint8Array(32))) };
  const next = { identityKey, agreementKey };
  const text = new TextEncoder().encode(rotationText(RUNNER.id, before, next));
  const oldSignature = encode(new Uint8Array(await crypto.subtle.sign('Ed25519', pair.privateKey, text)));
  return { before, rotation: { old: before, next, oldSignature } };
}

describe('O6: the runner’s keys', () => {
  it('are remembered when it is met for the first time, and known the next', async () => {
    await bench.connect();
    expect([...bench.pins]).toEqual([[RUNNER.id, RUNNER.fingerprint]]);
    expect(bench.state).toMatchObject({ runner: { name: 'fra-1', fingerprint: RUNNER.fingerprint, firstMet: true } });
    await bench.reconnect();
    expect(bench.state).toMatchObject({ runner: { firstMet: false } });
  });

  it('when they are others than before, nothing is sent until a person has confirmed them', async () => {
    bench.pins.set(RUNNER.id, 'SHA256:00');
    await new Promise<void>((resolve) => {
      bench.onState = ({ kind }) => kind === 'ended' && resolve();
      bench.connection.start();
    });
    const change = { id: RUNNER.id, name: 'fra-1', remembered: 'SHA256:00', shown: RUNNER.fingerprint };
    expect(bench.state).toMatchObject({ kind: 'ended', ended: { why: 'runner-changed', change } });
    expect(bench.runner.links).toEqual([]);
    expect(bench.clock.planned).toEqual([]);
    await bench.dialling(() => bench.connection.trust(change.id, change.shown));
    await bench.runner.link.greet();
    expect(bench.state).toMatchObject({ kind: 'connected', runner: { firstMet: false } });
  });

  it('when the remembered ones signed for them, they are known and remembered instead', async () => {
    const { before, rotation } = await signedChange(RUNNER);
    bench.pins.set(RUNNER.id, await fingerprintOf(before));
    const outcome = admitted(1);
    if (outcome.kind !== 'admitted') throw new Error('Not admitted');
    bench.outcomes = [{ kind: 'admitted', attachment: { ...outcome.attachment, runner: { ...RUNNER, rotations: [rotation] } } }];
    await bench.connect();
    expect([...bench.pins]).toEqual([[RUNNER.id, RUNNER.fingerprint]]);
  });

  it('that do not make up the fingerprint which was confirmed are not spoken to', async () => {
    const outcome = admitted(1);
    if (outcome.kind !== 'admitted') throw new Error('Not admitted');
    const runner = { ...RUNNER, agreementKey: RUNNER.identityKey };
    bench.outcomes = [{ kind: 'admitted', attachment: { ...outcome.attachment, runner } }];
    await new Promise<void>((resolve) => {
      bench.onState = ({ kind }) => kind === 'ended' && resolve();
      bench.connection.start();
    });
    expect(bench.state).toMatchObject({ kind: 'ended', ended: { why: 'broken' } });
    expect(bench.runner.links).toEqual([]);
    expect(bench.pins.size).toBe(0);
  });
});

describe('while connected', () => {
  beforeEach(() => bench.connect());

  it('F6: asks every 20 s whether anybody is there, and knows how far away', () => {
    const { link } = bench.runner;
    bench.clock.advance(1_000);
    expect(link.texts).toEqual(['ping']);
    bench.clock.advance(14);
    link.text('pong');
    expect(bench.latencies).toEqual([14]);
    bench.clock.advance(20_000);
    expect(link.texts).toEqual(['ping', 'ping']);
  });

  it('dials again when nothing comes within 10 s of a ping', () => {
    bench.clock.advance(11_000);
    expect(bench.state.kind).toBe('reconnecting');
    expect(bench.runner.link.closed?.code).toBe(CLOSE_CODES.slow.code);
  });

  it('believes that whoever speaks is alive, however late the pong', () => {
    bench.clock.advance(1_000);
    for (let second = 0; second < 30; second += 5) {
      bench.clock.advance(5_000);
      bench.runner.link.presence(ALONE);
    }
    expect(bench.state.kind).toBe('connected');
  });

  it('rejects calls that a cut leaves without answer, and those made while away', async () => {
    const waiting = bench.connection.call({ method: 'pty.list' });
    bench.runner.link.cut();
    await expect(waiting).rejects.toMatchObject({ code: 'disconnected' });
    await expect(bench.connection.call({ method: 'pty.list' })).rejects.toMatchObject({ code: 'disconnected' });
  });

  it('leaves no timer and no socket behind when stopped', () => {
    bench.connection.stop();
    expect(bench.runner.link.closed).toEqual({ code: 1000, reason: 'left' });
    expect(bench.clock.planned).toEqual([]);
  });
});
