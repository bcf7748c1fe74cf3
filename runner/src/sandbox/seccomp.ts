import { constants } from "node:os";

/** A processor that there is a filter for, as `process.arch` names it. */
export type FilteredArch = keyof typeof architectures;

/** Whether there is a filter for this processor. */
export function isFiltered(arch: string): arch is FilteredArch {
  return Object.hasOwn(architectures, arch);
}

/**
 * A program for seccomp that refuses what would let a job reach past its box or far into the kernel, and lets through all
 * else: sockets of other families than UNIX, IPv4, IPv6 and netlink, and raw ones; new namespaces and mounts; io_uring, bpf,
 * keys, performance events, userfaultfd; tracing; modules and other kernels; typing into a terminal.
 */
export function seccompFilter(arch: FilteredArch): Uint8Array {
  const { audit, column } = architectures[arch];
  const number = (name: CallName) => calls[name][column];
  const refused = (names: readonly CallName[], errno: number) =>
    names.flatMap((name) => whenEqual(number(name), [refuse(errno)]));
  const program = [
    load(archOffset),
    // Another instruction set than the machine's own, whose numbers mean something else.
    ...unlessEqual(audit, [killProcess]),
    load(numberOffset),
    ...(arch === "x64" ? whenAtLeast(x32Bit, [refuse(errno.ENOSYS)]) : []),
    ...refused(forbidden, errno.EPERM),
    // Programs then do without it, or take the older call, whose arguments can be looked at.
    ...refused(absent, errno.ENOSYS),
    ...whenEqual(number("clone"), [load(argument(0)), ...whenAnyBit(namespaceFlags, [refuse(errno.EPERM)]), allow]),
    ...whenEqual(number("ioctl"), [load(argument(1)), ...whenEqual(typeCharacter, [refuse(errno.EPERM)]), allow]),
    ...whenEqual(number("socket"), [
      load(argument(0)),
      ...whenEqual(family.unix, [allow]),
      ...whenEqual(family.netlink, [allow]),
      ...whenEqual(family.inet, socketOfType),
      ...whenEqual(family.inet6, socketOfType),
      refuse(errno.EAFNOSUPPORT),
    ]),
    allow,
  ];
  return Buffer.concat(program.map(encode));
}

type CallName = keyof typeof calls;

/** Numbers of system calls on x64 and arm64. */
const calls = {
  socket: [41, 198],
  clone: [56, 220],
  ioctl: [16, 29],
  unshare: [272, 97],
  setns: [308, 268],
  mount: [165, 40],
  umount2: [166, 39],
  pivot_root: [155, 41],
  open_tree: [428, 428],
  move_mount: [429, 429],
  fsopen: [430, 430],
  fsconfig: [431, 431],
  fsmount: [432, 432],
  fspick: [433, 433],
  mount_setattr: [442, 442],
  open_tree_attr: [467, 467],
  ptrace: [101, 117],
  process_vm_readv: [310, 270],
  process_vm_writev: [311, 271],
  pidfd_getfd: [438, 438],
  bpf: [321, 280],
  perf_event_open: [298, 241],
  userfaultfd: [323, 282],
  add_key: [248, 217],
  request_key: [249, 218],
  keyctl: [250, 219],
  kexec_load: [246, 104],
  kexec_file_load: [320, 294],
  init_module: [175, 105],
  finit_module: [313, 273],
  delete_module: [176, 106],
  io_uring_setup: [425, 425],
  io_uring_enter: [426, 426],
  io_uring_register: [427, 427],
  clone3: [435, 435],
} as const;

const looked: readonly CallName[] = ["socket", "clone", "ioctl"];
const absent: readonly CallName[] = ["clone3", "io_uring_setup", "io_uring_enter", "io_uring_register"];
const forbidden = (Object.keys(calls) as CallName[]).filter((name) => !looked.includes(name) && !absent.includes(name));

/** As linux/audit.h names instruction sets, and the column of their numbers. */
const architectures = {
  x64: { audit: 0xc000003e, column: 0 },
  arm64: { audit: 0xc00000b7, column: 1 },
} as const;

const x32Bit = 0x4000_0000;
/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET. */
const namespaceFlags = 0x7e02_0000;
/** TIOCSTI. */
const typeCharacter = 0x5412;
const family = { unix: 1, inet: 2, inet6: 10, netlink: 16 };
const typeMask = 0xf;
const rawTypes = { raw: 3, packet: 10 };
const { errno } = constants;

/** An instruction of the classic BPF machine; jumps skip so many. */
interface Instruction {
  readonly code: number;
  readonly ifTrue?: number;
  readonly ifFalse?: number;
  readonly value: number;
}

const numberOffset = 0;
const archOffset = 4;

/** The lower half of an argument, on machines with the lower half first. */
function argument(index: number): number {
  return 16 + 8 * index;
}

function load(offset: number): Instruction {
  return { code: 0x20, value: offset };
}

const allow: Instruction = { code: 0x06, value: 0x7fff_0000 };
const killProcess: Instruction = { code: 0x06, value: 0x8000_0000 };

function refuse(number: number): Instruction {
  return { code: 0x06, value: 0x0005_0000 | number };
}

function whenEqual(value: number, then: readonly Instruction[]): readonly Instruction[] {
  return [{ code: 0x15, ifFalse: then.length, value }, ...then];
}

function unlessEqual(value: number, then: readonly Instruction[]): readonly Instruction[] {
  return [{ code: 0x15, ifTrue: then.length, value }, ...then];
}

function whenAtLeast(value: number, then: readonly Instruction[]): readonly Instruction[] {
  return [{ code: 0x35, ifFalse: then.length, value }, ...then];
}

function whenAnyBit(value: number, then: readonly Instruction[]): readonly Instruction[] {
  return [{ code: 0x45, ifFalse: then.length, value }, ...then];
}

const socketOfType: readonly Instruction[] = [
  load(argument(1)),
  { code: 0x54, value: typeMask },
  ...whenEqual(rawTypes.raw, [refuse(errno.EPERM)]),
  ...whenEqual(rawTypes.packet, [refuse(errno.EPERM)]),
  allow,
];

/** As struct sock_filter. */
function encode({ code, ifTrue = 0, ifFalse = 0, value }: Instruction): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt16LE(code, 0);
  bytes.writeUInt8(ifTrue, 2);
  bytes.writeUInt8(ifFalse, 3);
  bytes.writeUInt32LE(value, 4);
  return bytes;
}
