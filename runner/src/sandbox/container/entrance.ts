import { CODE_AT, programOf, type Machine } from '../elf.ts';
import { seccompFilter } from '../seccomp.ts';

/**
 * Engines filter kernel calls by lists of their own, which differ, and by names that an older library does not know and
 * then lets pass. So the runner's own filter stands behind the engine's, the same one as under bubblewrap. Node can't
 * enter one: this is a program of some instructions that does, and becomes the command behind it, or ends with 127.
 */
const CODE: Record<Machine, string> = {
  x64: [
    'bf01000000 31f6 488d1532000000 b83d010000 0f05', // seccomp(SECCOMP_SET_MODE_FILTER, 0, &program)
    '4885c0 751a',
    '488b7c2410 488d742410 488b0424 488d54c410 b83b000000 0f05', // execve(argv[1], &argv[1], environment)
    'bf7f000000 b83c000000 0f05', // exit(127)
  ].join(''),
  arm64: [
    'a82280d2 200080d2 010080d2 a2010010 010000d4', // the same
    'e00000b5',
    'e00b40f9 e1430091 e90340f9 220c098b a81b80d2 010000d4',
    'e00f80d2 a80b80d2 010000d4 00000000',
  ].join(''),
};
/** `struct sock_fprog`: how many instructions, and where they are */
const HEAD = 16;
const INSTRUCTION = 8;

/** The program, with the filter in it; null: there is none for this processor, and the engine's own holds alone. */
export function entranceProgram(architecture: string = process.arch): Uint8Array | null {
  const filter = seccompFilter(architecture);
  if (filter === null || (architecture !== 'x64' && architecture !== 'arm64')) return null;
  const code = Buffer.from(CODE[architecture].replaceAll(' ', ''), 'hex');
  const all = new Uint8Array(code.byteLength + HEAD + filter.byteLength);
  const view = new DataView(all.buffer);
  all.set(code);
  view.setUint16(code.byteLength, filter.byteLength / INSTRUCTION, true);
  view.setBigUint64(code.byteLength + 8, BigInt(CODE_AT + code.byteLength + HEAD), true);
  all.set(filter, code.byteLength + HEAD);
  return programOf(all, architecture);
}
