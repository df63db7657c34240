import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';
import { pid as ownPid } from 'node:process';
import type { Listener } from '@gatehouse/core/protocol/services.ts';
import { isMarked } from '../../marked.ts';
import { ServiceFailure } from '../../service-failure.ts';

/** What was looked up counts for so long, in milliseconds; what is missing is looked up again sooner. */
const FRESH = 1000;
const FRESH_MISSING = 150;
const MOST_NAME = 60;
const MOST_LISTED = 200;
/** state of a socket that listens, in /proc/net/tcp */
const LISTENING = '0A';

interface Found extends Listener {
  /** address to dial: of the loopback that it listens on */
  host: '127.0.0.1' | '::1';
}

/**
 * What the workspace's own programs listen on, read from /proc. A sandbox may share the machine's network: only sockets that a
 * process of this workspace holds are its own, and no others are ever dialled (SPEC A3).
 */
export class Listeners {
  readonly #mark: string | null;
  /** of sockets by their inode: who holds it; null: nobody here */
  #holders = new Map<string, string | null>();
  #found: Found[] = [];
  #readAt = -Infinity;

  /** @param mark in the environment of the workspace's processes; null: all that are seen are its own */
  constructor(mark: string | null) {
    this.#mark = mark;
  }

  /** By port. */
  list(): Listener[] {
    this.#read(FRESH);
    return this.#found.slice(0, MOST_LISTED).map(({ port, process }) => ({ port, process }));
  }

  /** Where to dial that port. @throws ServiceFailure `not-found` when no program of the workspace listens on it */
  find(port: number): Found['host'] {
    const there = () => this.#found.find((each) => each.port === port);
    this.#read(FRESH);
    if (there() === undefined) this.#read(FRESH_MISSING);
    const found = there();
    if (found === undefined) throw new ServiceFailure('not-found', `Nothing in the workspace listens on port ${port}`);
    return found.host;
  }

  #read(fresh: number): void {
    if (performance.now() - this.#readAt < fresh) return;
    this.#readAt = performance.now();
    const sockets = [...listeningIn('/proc/net/tcp', hostOf4), ...listeningIn('/proc/net/tcp6', hostOf6)];
    if (sockets.some(({ inode }) => !this.#holders.has(inode))) this.#lookForHolders(sockets.map(({ inode }) => inode));
    const byPort = new Map<number, Found>();
    for (const { inode, port, host } of sockets) {
      const process = this.#holders.get(inode);
      if (process === undefined || process === null || byPort.has(port)) continue;
      byPort.set(port, { port, host, process: process === '' ? null : process });
    }
    this.#found = [...byPort.values()].sort((a, b) => a.port - b.port);
  }

  /** Walks through what the workspace's processes have open. */
  #lookForHolders(inodes: string[]): void {
    const wanted = new Map<string, string | null>(inodes.map((inode) => [inode, null]));
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      // The ways out that this process itself keeps open are no app of anybody’s.
      if (pid === String(ownPid) || (this.#mark !== null && !isMarked(pid, this.#mark))) continue;
      for (const inode of socketsOf(pid)) if (wanted.get(inode) === null) wanted.set(inode, nameOf(pid));
    }
    this.#holders = wanted;
  }
}

const readText = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
};

function* listeningIn(path: string, hostOf: (address: string) => Found['host'] | null) {
  for (const line of readText(path).split('\n').slice(1)) {
    const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/);
    if (state !== LISTENING) continue;
    const [address = '', port = ''] = local.split(':');
    const host = hostOf(address);
    if (host !== null) yield { inode, port: parseInt(port, 16), host };
  }
}

/** Addresses stand in the order of the machine's bytes: every one of four ends with the network's first. */
const hostOf4 = (address: string): Found['host'] | null => (address === '00000000' || address.endsWith('7F') ? '127.0.0.1' : null);
const hostOf6 = (address: string): Found['host'] | null => {
  if (/^0{32}$/.test(address)) return '::1';
  if (address === '00000000000000000000000001000000') return '::1';
  return address.startsWith('0000000000000000FFFF0000') ? hostOf4(address.slice(24)) : null;
};

function socketsOf(pid: string): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? [];
      } catch {
        return [];
      }
    });
  } catch {
    // It has ended, or may not be looked at.
    return [];
  }
}

/** How a process was started, in short: `node vite --port`. */
function nameOf(pid: string): string {
  const [program = '', ...rest] = readText(`/proc/${pid}/cmdline`).split('\0').filter(Boolean);
  const words = [basename(program), ...rest.slice(0, 2).map((word) => (word.startsWith('/') ? basename(word) : word))];
  return words
    .join(' ')
    .replaceAll(/\p{Cc}/gu, ' ')
    .slice(0, MOST_NAME);
}
