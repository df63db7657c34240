import { allowsHost, gitHostsOf, normalHost } from '@gatehouse/core/access/egress.ts';
import type { TcpResource } from '@gatehouse/core/api/template-network.ts';
import type { RunnerNetwork } from '@gatehouse/core/protocol/runner-policy.ts';
import { EgressRefused } from './refusal.ts';

/** What is in force for one workspace now. */
export interface Ways {
  mode: 'open' | 'allow-list' | 'none';
  network: RunnerNetwork;
}

/** How far a name may lead: to the internet, also into private networks, or also to this machine. */
export type Reach = 'public' | 'private' | 'machine';

const NOTHING_LEAVES = 'nothing may leave this workspace';

/** A literal address was written by whoever granted the resource, and means what it says; a name may lead elsewhere tomorrow. */
const reachOf = ({ host }: TcpResource): Reach => (normalHost(host) === null ? 'machine' : 'private');

/** @throws EgressRefused when no resource of that name is granted now */
export function resourceOf({ mode, network }: Ways, name: string): { resource: TcpResource; reach: Reach } {
  if (mode === 'none') throw new EgressRefused(NOTHING_LEAVES);
  const resource = network.resources.find((each) => each.name === name);
  if (resource === undefined) throw new EgressRefused('this template grants it no more');
  return { resource, reach: reachOf(resource) };
}

/**
 * Whether the web proxy may connect to that port of that host, as a program wrote it, and how far the name may lead then. `raw`: a
 * TCP resource, in which nobody looks for TLS.
 * @throws EgressRefused
 */
export function webWay({ mode, network }: Ways, asked: string, port: number): { host: string; reach: Reach; raw: boolean } {
  if (mode === 'none') throw new EgressRefused(NOTHING_LEAVES);
  const resource = network.resources.find((each) => each.port === port && each.host === asked.toLowerCase());
  if (resource !== undefined) return { host: resource.host, reach: reachOf(resource), raw: true };
  const host = normalHost(asked);
  if (host === null) throw new EgressRefused('addresses in numbers are refused, name the host');
  if (mode === 'allow-list' && gitHostsOf(network.git).some((each) => each.split(':')[0] === host))
    throw new EgressRefused('repositories are reached with git, which goes another way');
  if (mode === 'allow-list' && !allowsHost(network.hosts, host, port))
    throw new EgressRefused(
      port === 80 || port === 443 ? 'it is not on the list of hosts' : `port ${port} of it is not on the list of hosts`,
    );
  return { host, reach: 'public', raw: false };
}
