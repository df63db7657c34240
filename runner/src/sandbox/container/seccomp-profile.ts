import { FAMILIES, FORBIDDEN, NAMESPACES, TIME_NAMESPACE, TIOCLINUX, TIOCSTI, UNKNOWN } from '../seccomp.ts';

/**
 * The runner's own filter of kernel calls as container engines take one: the same rules as under bubblewrap, so that they
 * don't depend on the engine, its version and what its maker allows.
 */

const [EPERM, ENOSYS, EAFNOSUPPORT] = [1, 38, 97];
const INT = 0xffffffff;

interface Rule {
  names: string[];
  action: 'SCMP_ACT_ERRNO';
  errnoRet: number;
  args?: { index: number; op: 'SCMP_CMP_MASKED_EQ' | 'SCMP_CMP_GT'; value: number; valueTwo?: number }[];
}

const refuse = (names: string[], errnoRet: number): Rule => ({ names, action: 'SCMP_ACT_ERRNO', errnoRet });
/** One bit each: a rule matches where all of its bits are set. */
const bitsOf = (mask: number): number[] => Array.from({ length: 31 }, (_, bit) => 2 ** bit).filter((bit) => (mask & bit) !== 0);
const refuseBits = (name: string, mask: number): Rule[] =>
  bitsOf(mask).map((bit) => ({ ...refuse([name], EPERM), args: [{ index: 0, op: 'SCMP_CMP_MASKED_EQ', value: bit, valueTwo: bit }] }));
/** The kernel takes these as int: what stands in the upper half must not lead past a rule. */
const refuseInt = (name: string, index: number, value: number, errnoRet: number): Rule => ({
  ...refuse([name], errnoRet),
  args: [{ index, op: 'SCMP_CMP_MASKED_EQ', value: INT, valueTwo: value }],
});

const LAST_FAMILY = Math.max(...FAMILIES);
const OTHER_FAMILIES = Array.from({ length: LAST_FAMILY }, (_, family) => family).filter((family) => !FAMILIES.includes(family));

/** @param architecture as Node calls it; null: there is none for it, and the engine's own holds */
export function seccompProfile(architecture: string = process.arch): object | null {
  const architectures = { x64: 'SCMP_ARCH_X86_64', arm64: 'SCMP_ARCH_AARCH64' };
  if (architecture !== 'x64' && architecture !== 'arm64') return null;
  return {
    defaultAction: 'SCMP_ACT_ALLOW',
    // Calls by other numbers, of 32-bit programs and of x32, end the program.
    architectures: [architectures[architecture]],
    syscalls: [
      refuse(Object.keys(FORBIDDEN), EPERM),
      refuse(Object.keys(UNKNOWN), ENOSYS),
      ...refuseBits('clone', NAMESPACES),
      ...refuseBits('unshare', NAMESPACES | TIME_NAMESPACE),
      ...[TIOCSTI, TIOCLINUX].map((request) => refuseInt('ioctl', 1, request, EPERM)),
      ...OTHER_FAMILIES.map((family) => refuseInt('socket', 0, family, EAFNOSUPPORT)),
      { ...refuse(['socket'], EAFNOSUPPORT), args: [{ index: 0, op: 'SCMP_CMP_GT', value: LAST_FAMILY }] },
    ],
  };
}
