import {
  decodeJson,
  encodeFrame,
  encodeJson,
  FRAME_TYPES,
  type Frame,
  type FrameType,
  HEADER_BYTES,
} from '@gatehouse/core/protocol/frame.ts';
import type { Chance } from '../../../support/chance.ts';
import { frames } from './corpus.ts';

const TYPES = Object.keys(FRAME_TYPES) as FrameType[];
const STREAMS = [0, 1, 2, 3, 5, 7, 99, 257, 65_537, 2 ** 31, 2 ** 32 - 1];
const OFFSETS = [0, 1, 99, 100, 101, 65_536, 2 ** 32, 2 ** 53 - 2, 2 ** 53 - 1];
const VIEWERS = [0, 1, 2, 3, 255, 65_535];
const LENGTHS = [0, 1, 47, 48, 49, 1000, 65_536];
const STRANGE: readonly unknown[] = [
  null,
  true,
  -1,
  0.5,
  2 ** 53,
  1e308,
  '',
  'x'.repeat(5000),
  '\0',
  '__proto__',
  [],
  {},
  [[[[]]]],
  { ok: true },
];

/** A frame as a valid end sends it, made wrong in a way or two; sometimes it is left as it was. */
export function mutateFrame(chance: Chance): Frame {
  const frame = { ...chance.pick(frames) };
  for (let times = chance.between(0, 3); times > 0; times--) chance.pick(CHANGES)(frame, chance);
  return frame;
}

/** The same as a message on the wire, where also the grammar can be broken. */
export function mutateMessage(chance: Chance): Uint8Array<ArrayBuffer> {
  const message = encodeFrame(mutateFrame(chance));
  switch (chance.between(0, 5)) {
    case 0:
      return flip(message, chance);
    case 1:
      return message.slice(0, chance.between(0, message.byteLength));
    case 2:
      return flip(message.slice(0, HEADER_BYTES + chance.between(0, 40)), chance);
    case 3:
      return Uint8Array.from({ length: chance.between(0, 40) }, () => chance.between(0, 255));
    default:
      return message;
  }
}

const CHANGES: readonly ((frame: Frame, chance: Chance) => void)[] = [
  (frame, chance) => (frame.type = chance.pick(TYPES)),
  (frame, chance) => (frame.stream = chance.oneIn(2) ? chance.pick(STREAMS) : chance.between(0, 2000)),
  (frame, chance) => (frame.offset = chance.oneIn(2) ? chance.pick(OFFSETS) : chance.between(0, 200_000)),
  (frame, chance) => (frame.viewer = chance.pick(VIEWERS)),
  (frame, chance) => (frame.sealed = chance.oneIn(2)),
  (frame, chance) => (frame.payload = new Uint8Array(chance.pick(LENGTHS))),
  (frame, chance) => (frame.payload = chance.pick(frames).payload),
  (frame, chance) => (frame.payload = flip(Uint8Array.from(frame.payload), chance)),
  mutateJson,
  mutateJson,
  mutateJson,
];

function flip(bytes: Uint8Array<ArrayBuffer>, chance: Chance): Uint8Array<ArrayBuffer> {
  for (let times = chance.between(1, 4); times > 0 && bytes.byteLength > 0; times--) {
    const at = chance.between(0, bytes.byteLength - 1);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << chance.between(0, 7));
  }
  return bytes;
}

/** Puts something strange somewhere in the JSON of a frame that has some. */
function mutateJson(frame: Frame, chance: Chance): void {
  let value: unknown;
  try {
    value = decodeJson(frame.payload);
  } catch {
    return;
  }
  const payload = encodeJson(mutateValue(value, chance) ?? null);
  if (payload.byteLength <= 64 * 1024) frame.payload = payload;
}

function mutateValue(value: unknown, chance: Chance): unknown {
  if (typeof value !== 'object' || value === null || chance.oneIn(6)) return chance.pick(STRANGE);
  if (Array.isArray(value))
    return chance.oneIn(3) ? [...value, ...value, chance.pick(STRANGE)] : value.map((each) => mutateValue(each, chance));
  const entries = Object.entries(value);
  if (entries.length === 0 || chance.oneIn(8)) return { ...value, [String(chance.pick(STRANGE))]: chance.pick(STRANGE) };
  const [name, inner] = chance.pick(entries);
  if (chance.oneIn(6)) return Object.fromEntries(entries.filter(([key]) => key !== name));
  return { ...value, [name]: mutateValue(inner, chance) };
}
