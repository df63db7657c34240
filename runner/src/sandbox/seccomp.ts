/**
 * The kernel calls that programs of a workspace have no use for, and through which kernels were broken before. A program
 * of classic BPF, as `bwrap --seccomp` takes it, made here: the list is short, and a compiler for it would be a native one.
 */

/** number of a call on x86-64 and on ARM64; null: there is none */
type Numbers = [x64: number, arm64: number | null];

/** answered with EPERM, as if a capability were missing */
export const FORBIDDEN: Record<string, Numbers> = {
  ...{ keyctl: [250, 219], add_key: [248, 217], request_key: [249, 218] },
  ...{ bpf: [321, 280], perf_event_open: [298, 241], userfaultfd: [323, 282], fanotify_init: [300, 262], lookup_dcookie: [212, 18] },
  ...{ mount: [165, 40], umount2: [166, 39], pivot_root: [155, 41], chroot: [161, 51], mount_setattr: [442, 442] },
  ...{ open_tree: [428, 428], open_tree_attr: [467, 467], move_mount: [429, 429], fsopen: [430, 430], fsconfig: [431, 431] },
  ...{ fsmount: [432, 432], fspick: [433, 433], setns: [308, 268], open_by_handle_at: [304, 265] },
  ...{ init_module: [175, 105], finit_module: [313, 273], delete_module: [176, 106], kexec_load: [246, 104], kexec_file_load: [320, 294] },
  ...{ reboot: [169, 142], swapon: [167, 224], swapoff: [168, 225], acct: [163, 89], syslog: [103, 116], vhangup: [153, 58] },
  ...{ settimeofday: [164, 170], clock_settime: [227, 112], quotactl: [179, 60], quotactl_fd: [443, 443], nfsservctl: [180, 42] },
  ...{ ioperm: [173, null], iopl: [172, null], modify_ldt: [154, null], move_pages: [279, 239], migrate_pages: [256, 238] },
};

/** answered with ENOSYS, so that programs take the older way that they know besides */
export const UNKNOWN: Record<string, Numbers> = {
  // Its flags lie in memory, where a filter can't look: `clone` does the same and is looked at.
  clone3: [435, 435],
  ...{ io_uring_setup: [425, 425], io_uring_enter: [426, 426], io_uring_register: [427, 427] },
};

const CLONE: Numbers = [56, 220];
const UNSHARE: Numbers = [272, 97];
const IOCTL: Numbers = [16, 29];
const SOCKET: Numbers = [41, 198];

/** all of CLONE_NEW*, time namespaces only for `unshare`: `clone` has a signal in those bits */
const NAMESPACES = 0x7e020000;
const TIME_NAMESPACE = 0x80;
/** typing into a terminal as if a person did; the second pastes on a console */
const [TIOCSTI, TIOCLINUX] = [0x5412, 0x541c];
/** AF_UNIX, AF_INET, AF_INET6, AF_NETLINK: not the raw ones, those to a hypervisor, nor what is rarely looked after */
const FAMILIES = [1, 2, 10, 16];

const AUDIT_ARCH = { x64: 0xc000003e, arm64: 0xc00000b7 } as const;
/** calls of the x32 interface on x86-64, which would pass by other numbers */
const X32 = 0x40000000;

type Architecture = keyof typeof AUDIT_ARCH;

/** offsets in `struct seccomp_data`; arguments are looked at by their low half, as the kernel takes these */
const [NUMBER, ARCH] = [0, 4];
const argument = (index: number) => 16 + 8 * index;

const [LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN] = [0x20, 0x15, 0x35, 0x45, 0x06];
const ALLOW = 0x7fff0000;
const errno = (number: number) => 0x00050000 | number;
const [EPERM, ENOSYS, EAFNOSUPPORT] = [errno(1), errno(38), errno(97)];

/** [code, steps over when true, steps over when false, operand] */
type Instruction = [code: number, yes: number, no: number, operand: number];

const answer = (result: number): Instruction => [RETURN, 0, 0, result];
/** Does `then` for one call; it must end with an answer. */
const onCall = (number: number, then: Instruction[]): Instruction[] => [[EQUAL, 0, then.length, number], ...then];

function instructionsFor(architecture: Architecture): Instruction[] {
  const of = ([x64, arm64]: Numbers) => (architecture === 'x64' ? x64 : arm64);
  const all = (calls: Record<string, Numbers>, result: number) =>
    Object.values(calls)
      .map(of)
      .filter((number) => number !== null)
      .flatMap((number) => onCall(number, [answer(result)]));
  const onArgument = (call: Numbers, index: number, tests: Instruction[]) => {
    const number = of(call);
    return number === null ? [] : onCall(number, [[LOAD, 0, 0, argument(index)], ...tests]);
  };
  const unlessBits = (bits: number): Instruction[] => [[ANY_BIT, 0, 1, bits], answer(EPERM), answer(ALLOW)];
  return [
    [LOAD, 0, 0, ARCH],
    [EQUAL, 1, 0, AUDIT_ARCH[architecture]],
    answer(ENOSYS),
    [LOAD, 0, 0, NUMBER],
    ...(architecture === 'x64' ? ([[AT_LEAST, 0, 1, X32], answer(ENOSYS)] satisfies Instruction[]) : []),
    ...all(FORBIDDEN, EPERM),
    ...all(UNKNOWN, ENOSYS),
    ...onArgument(CLONE, 0, unlessBits(NAMESPACES)),
    ...onArgument(UNSHARE, 0, unlessBits(NAMESPACES | TIME_NAMESPACE)),
    ...onArgument(IOCTL, 1, [[EQUAL, 1, 0, TIOCSTI], [EQUAL, 0, 1, TIOCLINUX], answer(EPERM), answer(ALLOW)]),
    ...onArgument(SOCKET, 0, [
      ...FAMILIES.map((family, index): Instruction => [EQUAL, FAMILIES.length - index, 0, family]),
      answer(EAFNOSUPPORT),
      answer(ALLOW),
    ]),
    answer(ALLOW),
  ];
}

/** The filter for this machine, for `bwrap --seccomp`; null: there is none for its processor. */
export function seccompFilter(architecture: string = process.arch): Uint8Array | null {
  if (architecture !== 'x64' && architecture !== 'arm64') return null;
  const instructions = instructionsFor(architecture);
  const bytes = new Uint8Array(8 * instructions.length);
  const view = new DataView(bytes.buffer);
  for (const [index, [code, yes, no, operand]] of instructions.entries()) {
    view.setUint16(8 * index, code, true);
    view.setUint8(8 * index + 2, yes);
    view.setUint8(8 * index + 3, no);
    view.setUint32(8 * index + 4, operand, true);
  }
  return bytes;
}
