import { describe, expect, test } from 'vitest';
import { AppError } from '@gatehouse/core/errors.ts';
import {
  decodeFrame,
  decodeJson,
  encodeFrame,
  encodeJson,
  FRAME_TYPES,
  type Frame,
  HEADER_BYTES,
  MAX_MESSAGE,
  MAX_PAYLOAD,
  stampViewer,
} from '@gatehouse/core/protocol/frame.ts';

const frame: Frame = {
  type: 'data',
  sealed: true,
  viewer: 0x0102,
  stream: 0x03040506,
  offset: 0x0708090a0b0c,
  payload: Uint8Array.of(0xff),
};
const bytes = Uint8Array.of(5, 1, 1, 2, 3, 4, 5, 6, 0, 0, 7, 8, 9, 10, 11, 12, 0xff);

/** The code of the error that the grammar answers with; null: it is a frame. */
function faultOf(message: Uint8Array): string | null {
  try {
    decodeFrame(message);
    return null;
  } catch (error) {
    return error instanceof AppError ? error.code : expect.fail('another error');
  }
}

/** The frame above with other bytes from `at` on. */
const changed = (at: number, ...values: number[]): Uint8Array => {
  const copy = bytes.slice();
  copy.set(values, at);
  return copy;
};

describe('a message', () => {
  test('F1: is type, flags, viewer, stream and offset, big-endian, and the payload', () => {
    expect(encodeFrame(frame)).toEqual(bytes);
    expect(decodeFrame(bytes)).toEqual(frame);
  });

  test('F1: is read also where it lies in a larger memory, and its payload is not copied', () => {
    const memory = new Uint8Array(100);
    memory.set(bytes, 7);
    const { payload } = decodeFrame(memory.subarray(7, 7 + bytes.byteLength));
    expect([payload.buffer, payload.byteOffset]).toEqual([memory.buffer, 7 + HEADER_BYTES]);
  });

  test('F1: of less than a header is none', () => {
    for (let length = 0; length < HEADER_BYTES; length++) expect(faultOf(bytes.subarray(0, length))).toBe('invalid');
    expect(faultOf(bytes.subarray(0, HEADER_BYTES))).toBeNull();
  });

  test('F1: counts no further than a number can', () => {
    expect(faultOf(changed(8, 0, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff))).toBeNull();
    expect(faultOf(changed(8, 0, 0x20, 0, 0, 0, 0, 0, 0))).toBe('invalid');
  });

  test('F2: has one of ten types', () => {
    const known = Array.from({ length: 256 }, (_, type) => type).filter((type) => faultOf(changed(0, type)) === null);
    expect(known).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    const names = ['control', 'handshake', 'hello', 'open', 'head', 'data', 'message', 'ack', 'fin', 'reset'];
    expect(Object.entries(FRAME_TYPES)).toEqual(names.map((name, code) => [name, code]));
  });

  test('F3: says by its first flag whether it is sealed, and has no other', () => {
    expect([decodeFrame(changed(1, 0)).sealed, decodeFrame(changed(1, 1)).sealed]).toEqual([false, true]);
    for (let flags = 2; flags < 256; flags++) expect(faultOf(changed(1, flags))).toBe('invalid');
  });

  test('F4: carries 64 KiB, and a tag', () => {
    expect(MAX_MESSAGE).toBe(HEADER_BYTES + MAX_PAYLOAD + 16);
    const largest = encodeFrame({ ...frame, payload: new Uint8Array(MAX_PAYLOAD + 16) });
    expect(faultOf(largest)).toBeNull();
    expect(faultOf(encodeFrame({ ...frame, payload: new Uint8Array(MAX_PAYLOAD + 17) }))).toBe('too-large');
  });

  test('F5: is given another viewer in place, and nothing else', () => {
    const stamped = bytes.slice();
    stampViewer(stamped, 0xabcd);
    expect(stamped).toEqual(changed(2, 0xab, 0xcd));
  });
});

describe('a payload of JSON', () => {
  test('is UTF-8, and comes back as it was', () => {
    expect(decodeJson(encodeJson({ text: 'grüße 界' }))).toEqual({ text: 'grüße 界' });
  });

  test.each([
    ['no JSON', new TextEncoder().encode('{')],
    ['nothing', new Uint8Array(0)],
    ['not UTF-8', Uint8Array.of(0x22, 0xff, 0x22)],
  ])('that is %s is refused', (_what, payload) => {
    expect(() => decodeJson(payload)).toThrow(AppError);
  });
});
