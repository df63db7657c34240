import { EGRESS_MODES, type EgressMode } from './egress-modes.ts';

/** What a workspace may reach: hosts of the web, and repositories. Text as people write it, in one normal form. */

/** A host that is named without a port is meant with both of the web's. */
const WEB_PORTS = [80, 443];
const LABEL = /^(?!-)[a-z0-9-]{1,63}(?<!-)$/;
/** What the URL standard takes for an IPv4 address: a last label that is a number, be it decimal, octal or hexadecimal. */
const NUMBER = /^(\d+|0x[0-9a-f]*)$/;

/** The name of a host in small letters, without a last dot; null when it is none, which every spelling of an address is. */
export function normalHost(text: string): string | null {
  const host = text.trim().toLowerCase().replace(/\.$/, '');
  const labels = host.split('.');
  if (host === '' || host.length > 253 || !labels.every((label) => LABEL.test(label))) return null;
  if (NUMBER.test(labels.at(-1) ?? '') || host === 'localhost' || host.endsWith('.localhost')) return null;
  return host;
}

interface HostPattern {
  host: string;
  /** null: both ports of the web */
  port: number | null;
}

const portOf = (text: string | undefined): number | null | undefined => {
  if (text === undefined) return null;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  return port >= 1 && port <= 65_535 ? port : undefined;
};

function parseHost(text: string): HostPattern | null {
  const [, wild = '', name = '', port] = /^(\*\.)?([^:/]+)(?::([^:/]*))?$/.exec(text.trim()) ?? [];
  const host = normalHost(name);
  const number = portOf(port);
  // A wildcard over a whole top-level domain is a way of saying “everywhere”.
  if (host === null || number === undefined || (wild !== '' && !host.includes('.'))) return null;
  return { host: `${wild}${host}`, port: number };
}

const writeHost = ({ host, port }: HostPattern): string => (port === null ? host : `${host}:${port}`);

/** `registry.npmjs.org`, `*.pypi.org`, `packages.acme.example:8443` in normal form; null when the text is none of these. */
export function normalHostPattern(text: string): string | null {
  const parsed = parseHost(text);
  return parsed === null ? null : writeHost(parsed);
}

/** Whether what `inner` names lies in what `outer` names; `*.a.b` is not in itself `a.b`. */
const hostWithin = (inner: string, outer: string): boolean =>
  inner === outer ||
  (outer.startsWith('*.') && inner.length > outer.length - 1 && inner.endsWith(outer.slice(1)) && inner !== outer.slice(2));

const takesPort = ({ port }: HostPattern, asked: number): boolean => (port === null ? WEB_PORTS.includes(asked) : port === asked);

/** Whether one of the patterns allows that port of that host. */
export const allowsHost = (patterns: readonly string[], host: string, port: number): boolean =>
  patterns.some((text) => {
    const pattern = parseHost(text);
    return pattern !== null && hostWithin(host, pattern.host) && takesPort(pattern, port);
  });

function meet(a: HostPattern, b: HostPattern): HostPattern[] {
  const host = hostWithin(a.host, b.host) ? a.host : hostWithin(b.host, a.host) ? b.host : null;
  if (host === null) return [];
  if (a.port === b.port || b.port === null) return a.port === null || takesPort(b, a.port) ? [{ host, port: a.port }] : [];
  return takesPort(a, b.port) ? [{ host, port: b.port }] : [];
}

/** Without those that another one contains, sorted. */
export function reduceHosts(patterns: readonly string[]): string[] {
  const all = [...new Set(patterns.flatMap((text) => normalHostPattern(text) ?? []))].sort();
  const within = (inner: HostPattern, outer: HostPattern) =>
    hostWithin(inner.host, outer.host) && (inner.port === null ? outer.port === null : takesPort(outer, inner.port));
  return all.filter((text) => {
    const inner = parseHost(text);
    return !all.some((other) => {
      const outer = parseHost(other);
      return other !== text && inner !== null && outer !== null && within(inner, outer);
    });
  });
}

/** What both lists allow. */
export function intersectHosts(a: readonly string[], b: readonly string[]): string[] {
  const met = a.flatMap((one) =>
    b.flatMap((other) => {
      const [first, second] = [parseHost(one), parseHost(other)];
      return first === null || second === null ? [] : meet(first, second).map(writeHost);
    }),
  );
  return reduceHosts(met);
}

/** Repositories that may be fetched from and pushed to; what may be pushed to may be fetched. */
export interface GitRules {
  fetch: string[];
  push: string[];
}

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/**
 * A repository's address in the one form that rules are compared in: `https://host/owner/name`, without `.git`. Plain http only on
 * the machine itself, for labs. Null when it is none, or hides what it names.
 */
export function normalRepository(text: string): string | null {
  // What URL would silently take away may not be in it.
  if (/[\s\\%?#@]|\/\.{1,2}(\/|$)/.test(text.trim()) || !URL.canParse(text.trim())) return null;
  const { protocol, hostname, host, pathname } = new URL(text.trim());
  if (protocol === 'http:' ? !LOOPBACK.test(hostname) : protocol !== 'https:' || normalHost(hostname) === null) return null;
  const path = pathname.replace(/\/$/, '').replace(/\.git$/, '');
  if (path === '' || path.includes('//')) return null;
  return `${protocol}//${host}${path}`;
}

/** A repository, or all below an address: `https://host/owner/*`. */
export function normalRepositoryPattern(text: string): string | null {
  const trimmed = text.trim();
  if (!trimmed.endsWith('/*')) return trimmed.includes('*') ? null : normalRepository(trimmed);
  const whole = normalRepository(`${trimmed.slice(0, -1)}x`);
  return whole === null || whole.includes('*') ? null : `${whole.slice(0, -1)}*`;
}

const repositoryWithin = (inner: string, outer: string): boolean =>
  inner === outer || (outer.endsWith('/*') && inner.length > outer.length - 1 && inner.startsWith(outer.slice(0, -1)));

/** Whether one of the patterns allows that repository, both in normal form. */
export const allowsRepository = (patterns: readonly string[], repository: string): boolean =>
  patterns.some((pattern) => repositoryWithin(repository, pattern));

export function reduceRepositories(patterns: readonly string[]): string[] {
  const all = [...new Set(patterns.flatMap((text) => normalRepositoryPattern(text) ?? []))].sort();
  return all.filter((one) => !all.some((other) => other !== one && repositoryWithin(one, other)));
}

const intersectRepositories = (a: readonly string[], b: readonly string[]): string[] =>
  reduceRepositories(
    a.flatMap((one) => b.flatMap((other) => (repositoryWithin(one, other) ? [one] : repositoryWithin(other, one) ? [other] : []))),
  );

export const reduceGit = ({ fetch, push }: GitRules): GitRules => ({
  fetch: reduceRepositories([...fetch, ...push]),
  push: reduceRepositories(push),
});

export const intersectGit = (a: GitRules, b: GitRules): GitRules => ({
  fetch: intersectRepositories(a.fetch, b.fetch),
  push: intersectRepositories(a.push, b.push),
});

/** Hosts (with a port that is not 443) that the rules name: nothing but the git proxy leads there. */
export const gitHostsOf = ({ fetch, push }: GitRules): string[] =>
  [...new Set([...fetch, ...push].map((each) => new URL(each).host))].sort();

/** The strictest of two ways out. */
export const stricterMode = (a: EgressMode, b: EgressMode): EgressMode => (EGRESS_MODES.indexOf(a) > EGRESS_MODES.indexOf(b) ? a : b);
