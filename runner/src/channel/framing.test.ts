import { PassThrough } from 'node:stream';
import { MAX_PAYLOAD } from '@gatehouse/core/protocol/frame.ts';
import { describe, expect, it } from 'vitest';
import { FrameReader, writeFrame, type ChannelFrame } from './framing.ts';

/** The bytes of frames as they go over the socket. */
function wire(frames: ChannelFrame[]): Buffer {
  const socket = new PassThrough({ highWaterMark: 16 * 1024 * 1024 });
  for (const frame of frames) writeFrame(socket, frame);
  return socket.read() as Buffer;
}

const data = (size: number, offset: number): ChannelFrame => ({
  type: 'data',
  stream: 3,
  offset,
  payload: Uint8Array.from({ length: size }, (_, index) => (index * 7 + size) % 251),
});

describe('the framing of the channel', () => {
  it.each([1, 3, 21, 1000, 4096, MAX_PAYLOAD, 1_000_000])('gives back what was sent, in pieces of %i bytes', (size) => {
    const sent = [data(0, 0), data(1, 5), data(1023, 6), data(1024, 1029), data(MAX_PAYLOAD, 2053), { type: 'fin', stream: 3 } as const];
    const bytes = wire(sent);
    const reader = new FrameReader();
    const got = [];
    for (let at = 0; at < bytes.byteLength; at += size) got.push(...reader.push(bytes.subarray(at, at + size)));
    expect(got.map(({ type, stream, offset }) => ({ type, stream, offset }))).toEqual(
      sent.map(({ type, stream, ...rest }) => ({ type, stream, offset: 'offset' in rest ? rest.offset : 0 })),
    );
    for (const [index, frame] of got.entries()) {
      const { payload = new Uint8Array(0) } = sent[index] as ChannelFrame;
      expect(Buffer.compare(frame.payload, payload)).toBe(0);
    }
  });

  it('refuses a length that no frame has, also in pieces', () => {
    expect(() => new FrameReader().push(Buffer.from([0xff, 0, 0, 0]))).toThrow('too much at once');
    const reader = new FrameReader();
    reader.push(Buffer.from([0, 0, 0]));
    expect(() => reader.push(Buffer.from([15]))).toThrow('no frames');
  });
});
