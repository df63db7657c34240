import { lookup } from 'node:dns/promises';
import { connect, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls';
import { placeOf } from '@gatehouse/core/access/networks.ts';
import { EgressRefused } from './refusal.ts';
import type { Reach } from './ways.ts';

const CONNECT_MS = 10_000;
const MOST_TRIES = 3;

/** What the proxies need of the machine; tests bring another one. */
export interface Outside {
  /** every address of a name, as the machine knows it */
  lookup(host: string): Promise<string[]>;
  connect(address: string, port: number): Socket;
  /** the machine's own addresses */
  own(): string[];
  /** what git servers are believed by */
  trust(): SecureContext;
}

let trusted: SecureContext | undefined;

export const theMachine: Outside = {
  lookup: async (host) => (await lookup(host, { all: true, verbatim: true })).map(({ address }) => address),
  connect: (address, port) => connect({ host: address, port, allowHalfOpen: true }),
  // The system's too: an organisation's own git server is often known to its machines alone. Made once, for it is large.
  trust: () => (trusted ??= createSecureContext({ ca: [...getCACertificates('default'), ...getCACertificates('system')] })),
  own: () => Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address)),
};

/** The name leads nowhere, or nobody answers there. */
export class Unreachable extends Error {}

const WHERE = {
  public: 'out',
  private: 'into a private network',
  machine: 'to the machine itself',
  never: 'to a reserved address',
} as const;
const RANKS: readonly Reach[] = ['public', 'private', 'machine'];

/**
 * The addresses of a host, asked once: what is connected to is what was looked at. One address that is out of reach condemns the
 * name, for a name that leads both out and in was made to lead in.
 * @throws EgressRefused, Unreachable
 */
export async function resolveWithin(outside: Outside, host: string, reach: Reach): Promise<string[]> {
  const addresses = await outside.lookup(host).catch(() => {
    throw new Unreachable(`The name ${host} is not known`);
  });
  if (addresses.length === 0) throw new Unreachable(`The name ${host} is not known`);
  const own = outside.own();
  for (const address of addresses) {
    const place = own.includes(address) ? 'machine' : placeOf(address);
    if (place === 'never' || RANKS.indexOf(place) > RANKS.indexOf(reach)) throw new EgressRefused(`its name leads ${WHERE[place]}`);
  }
  return addresses;
}

/** Connects to the first address that answers. @throws Unreachable */
export async function dial(outside: Outside, host: string, addresses: readonly string[], port: number): Promise<Socket> {
  let why = 'it does not answer';
  for (const address of addresses.slice(0, MOST_TRIES)) {
    try {
      return await once(outside.connect(address, port));
    } catch (error) {
      why = error instanceof Error && 'code' in error ? String(error.code) : why;
    }
  }
  throw new Unreachable(`${host}:${port} can’t be reached: ${why}`);
}

const once = (socket: Socket): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const late = setTimeout(() => socket.destroy(new Error('it does not answer')), CONNECT_MS);
    const failed = (error: Error) => {
      clearTimeout(late);
      reject(error);
    };
    socket.once('error', failed);
    socket.once('connect', () => {
      clearTimeout(late);
      socket.off('error', failed);
      resolve(socket);
    });
  });
