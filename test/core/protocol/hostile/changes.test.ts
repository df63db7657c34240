import { encodeFrame, type Frame, HEADER_BYTES } from '@gatehouse/core/protocol/frame.ts';
import { beforeAll, describe, expect, test } from 'vitest';
import { makePlace, type Place } from '../simulation/platform.ts';
import { DIRECTIONS, flipped, isSealed, nth, Stage, type Message, type Tamper, VICTIM } from './stage.ts';

/** Messages of a connection that are tampered with: handshake and hello, the first requests, and what follows them. */
const POSITIONS = [0, 1, 2, 3, 4, 6, 9];

const forged = (part: Partial<Frame>): Message =>
  encodeFrame({
    type: 'data',
    sealed: false,
    viewer: VICTIM,
    stream: 1,
    offset: 0,
    payload: new TextEncoder().encode('rm -rf /\n'),
    ...part,
  });

/** Keeps a message back until the next one has passed. */
function late(): Tamper {
  let kept: Message[] | null = null;
  return (message) => {
    const before = kept;
    kept = before === null ? [message] : [];
    return before === null ? [] : [message, ...before];
  };
}

const ATTACKS: readonly (readonly [name: string, rules: string, tamper: Tamper])[] = [
  ['flips a bit of the type', 'E7', (message) => [flipped(message, 0, 2)]],
  ['takes the seal’s flag away, or puts one', 'E9', (message) => [flipped(message, 1)]],
  ['flips a bit at the start of the payload', 'E5', (message) => [flipped(message, HEADER_BYTES)]],
  ['flips a bit at the end of the payload', 'E5', (message) => [flipped(message, -1)]],
  ['cuts the payload short', 'E5, E3', (message) => [message.slice(0, -1)]],
  ['drops a message', 'E6', () => []],
  ['repeats a message', 'E6', (message) => [message, message]],
  ['puts data of its own in clear before it', 'E9', (message) => [forged({}), message]],
  ['puts a sealed frame of its own before it', 'E5', (message) => [forged({ sealed: true, payload: new Uint8Array(60) }), message]],
  [
    'puts a handshake of its own before it',
    'E2',
    (message) => [forged({ type: 'handshake', stream: 0, payload: new Uint8Array(48) }), message],
  ],
  ['puts a hello in clear before it', 'O4', (message) => [forged({ type: 'hello', stream: 0 }), message]],
];

/** Where only sealed frames have it proved: in clear it says nothing. */
const HEADER_LIES: typeof ATTACKS = [
  ['the viewer', 'E7, E4', (message) => [flipped(message, 3, 3)]],
  ['the stream', 'E7', (message) => [flipped(message, 7, 1)]],
  ['the offset', 'E7', (message) => [flipped(message, 15, 1)]],
];

let place: Place;
beforeAll(async () => {
  place = await makePlace();
});

describe.each(DIRECTIONS)('a broker that tampers with what it carries %s', (direction) => {
  describe.each(POSITIONS)('message %i', (position) => {
    test.each(ATTACKS)(
      '%s (%s): the socket is closed, nothing of it is delivered, and another page goes on',
      async (_name, _rules, tamper) => {
        const stage = await Stage.play(place, (stage) => stage.open(direction, nth(position, tamper)));
        expect([...stage.broken({ closes: true })]).toEqual([]);
      },
    );

    test.each(HEADER_LIES)(
      'lies about %s (%s): the socket is closed, nothing of it is delivered, and another page goes on',
      async (_name, _rules, tamper) => {
        const stage = await Stage.play(place, (stage) => stage.open(direction, nth(position, tamper, isSealed)));
        expect([...stage.broken({ closes: true })]).toEqual([]);
      },
    );

    test('swaps it with the next (E6): the socket is closed, nothing of it is delivered, and another page goes on', async () => {
      const swap = late();
      let seen = 0;
      const stage = await Stage.play(place, (stage) =>
        stage.open(direction, (message) => {
          const place = seen++ - position;
          return place === 0 || place === 1 ? swap(message) : [message];
        }),
      );
      expect([...stage.broken({ closes: true })]).toEqual([]);
    });
  });
});
