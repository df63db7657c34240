/** A few instructions as a program that needs no library, no loader and no compiler. */

/** Where the code stands in memory, once it runs. */
export const CODE_AT = 0x400000 + 120;

const MACHINES = { x64: 62, arm64: 183 } as const;
export type Machine = keyof typeof MACHINES;

/** A program that holds nothing but this code, and the data behind it. */
export function programOf(code: Uint8Array, machine: Machine): Uint8Array {
  const [base, headers] = [0x400000n, 120];
  const bytes = new Uint8Array(headers + code.byteLength);
  const view = new DataView(bytes.buffer);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  const halves = [
    [16, 2],
    [18, MACHINES[machine]],
    [52, 64],
    [54, 56],
    [56, 1],
  ] as const;
  for (const [offset, value] of halves) view.setUint16(offset, value, true);
  const words = [
    [20, 1],
    [64, 1],
    [68, 5],
  ] as const;
  for (const [offset, value] of words) view.setUint32(offset, value, true);
  const size = BigInt(bytes.byteLength);
  const longs = [
    [24, base + BigInt(headers)],
    [32, 64n],
    [80, base],
    [88, base],
    [96, size],
    [104, size],
    // as large as pages are anywhere
    [112, 0x10000n],
  ] as const;
  for (const [offset, value] of longs) view.setBigUint64(offset, value, true);
  bytes.set(code, headers);
  return bytes;
}
