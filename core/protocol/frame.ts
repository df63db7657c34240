import { AppError } from '../errors.ts';

/** Version of the workspace connection; offered and echoed as the WebSocket subprotocol. */
export const SUBPROTOCOL = 'gatehouse.v1';

/** SPEC F1: header of 16 bytes, all integers big-endian. */
export const HEADER_BYTES = 16;
/** SPEC F4: most payload a frame carries, what sealing adds to it, and the most a message may measure in all. */
export const MAX_PAYLOAD = 64 * 1024;
export const TAG_BYTES = 16;
export const MAX_MESSAGE = HEADER_BYTES + MAX_PAYLOAD + TAG_BYTES;

/** SPEC F2. `control` is between one peer and the broker; all others pass through it unread. */
export const FRAME_TYPES = {
  control: 0,
  handshake: 1,
  hello: 2,
  open: 3,
  head: 4,
  data: 5,
  message: 6,
  ack: 7,
  fin: 8,
  reset: 9,
} as const;

export type FrameType = keyof typeof FRAME_TYPES;

const typeNames = Object.fromEntries(Object.entries(FRAME_TYPES).map(([name, code]) => [code, name])) as Record<number, FrameType>;

export interface Frame {
  type: FrameType;
  /** whether the payload is sealed end to end (AES-256-GCM, tag at its end) */
  sealed: boolean;
  /** number that the broker gave the viewer; 0 on control frames */
  viewer: number;
  /** 0 is the connection itself; streams opened by a browser are odd, by a runner even */
  stream: number;
  /** `data`: offset of the first payload byte; `ack`: bytes taken so far; else 0 */
  offset: number;
  payload: Uint8Array;
}

const SEALED = 1;

/** SPEC F1: writes the header to the start of the message. */
export function writeHeader(message: Uint8Array, header: Omit<Frame, 'payload'>): void {
  const view = new DataView(message.buffer, message.byteOffset, HEADER_BYTES);
  view.setUint8(0, FRAME_TYPES[header.type]);
  view.setUint8(1, header.sealed ? SEALED : 0);
  view.setUint16(2, header.viewer);
  view.setUint32(4, header.stream);
  view.setBigUint64(8, BigInt(header.offset));
}

/** SPEC F1. The answer is one contiguous buffer, ready to send. */
export function encodeFrame(frame: Frame): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(HEADER_BYTES + frame.payload.byteLength);
  writeHeader(bytes, frame);
  bytes.set(frame.payload, HEADER_BYTES);
  return bytes;
}

/**
 * SPEC F1 to F4. The payload is a view on the message, not a copy.
 * @throws AppError `invalid` when the grammar is broken, `too-large` beyond the size limit
 */
export function decodeFrame(message: ArrayBuffer | Uint8Array): Frame {
  const bytes = message instanceof Uint8Array ? message : new Uint8Array(message);
  if (bytes.byteLength < HEADER_BYTES) throw new AppError('invalid', 'A frame is at least 16 bytes');
  if (bytes.byteLength > MAX_MESSAGE) throw new AppError('too-large', 'A frame carries at most 64 KiB');
  const view = new DataView(bytes.buffer, bytes.byteOffset, HEADER_BYTES);
  const type = typeNames[view.getUint8(0)];
  const flags = view.getUint8(1);
  const offset = view.getBigUint64(8);
  if (type === undefined || (flags & ~SEALED) !== 0 || offset > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new AppError('invalid', 'Not a frame of this version');
  }
  return {
    type,
    sealed: (flags & SEALED) !== 0,
    viewer: view.getUint16(2),
    stream: view.getUint32(4),
    offset: Number(offset),
    payload: bytes.subarray(HEADER_BYTES),
  };
}

/** SPEC F5: the broker sets the viewer number itself, in place, and reads nothing behind the header. */
export function stampViewer(message: Uint8Array, viewer: number): void {
  new DataView(message.buffer, message.byteOffset, HEADER_BYTES).setUint16(2, viewer);
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

export const encodeJson = (value: unknown): Uint8Array<ArrayBuffer> => encoder.encode(JSON.stringify(value));

/** @throws AppError `invalid` when the payload is not JSON in UTF-8 */
export function decodeJson(payload: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(payload));
  } catch (cause) {
    throw new AppError('invalid', 'The payload is not JSON', { cause });
  }
}

/** A message between the broker and one peer: JSON in clear. */
export const encodeControl = (message: unknown): Uint8Array<ArrayBuffer> =>
  encodeFrame({ type: 'control', sealed: false, viewer: 0, stream: 0, offset: 0, payload: encodeJson(message) });
