import { spawnSync } from 'node:child_process';
import type { SandboxPlan } from './driver.ts';

const HOSTS = '127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n';
/** Nothing answers there: programs are told at once that a name is not known, and a person who looks why finds this. */
const RESOLVER =
  '# No name is resolved in this workspace: programs reach what they may by the proxy in $HTTPS_PROXY.\nnameserver 127.0.0.1\noptions timeout:1 attempts:1\n';

/** Files beside those that each sandbox is made from. */
export const networkFiles = ({ network }: Pick<SandboxPlan, 'network'>): Record<string, string> =>
  network === null ? {} : { hosts: HOSTS, 'resolv.conf': RESOLVER };

/** A network of its own with nothing but loopback, and the sockets that lead to the runner's proxies. @param control folder of its files */
export const networkArguments = ({ network }: Pick<SandboxPlan, 'network'>, control: string): string[] =>
  network === null
    ? []
    : [
        '--unshare-net',
        ...['--ro-bind', `${control}/hosts`, '/etc/hosts', '--ro-bind', `${control}/resolv.conf`, '/etc/resolv.conf'],
        ...['--perms', '0755', '--dir', network.sockets.inside, '--ro-bind', network.sockets.folder, network.sockets.inside],
      ];

/**
 * Why a sandbox can't have a network of its own here, or null: found out by really making one, in which loopback works.
 * @param args of a sandbox @param become what turns into the workspace's user
 */
export function whyNoNetwork(args: readonly string[], become: readonly string[]): string | null {
  const script = 'exec 3<>/dev/tcp/127.0.0.1/9 2>/dev/null; [ "$(tail -n +3 /proc/net/dev | grep -c -v "^ *lo:")" = 0 ]';
  const probe = spawnSync('bwrap', ['--die-with-parent', '--unshare-net', ...args, '--', ...become, '/bin/bash', '-c', script], {
    encoding: 'utf8',
    timeout: 10_000,
    env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin' },
  });
  if (probe.error !== undefined) return probe.error.message;
  return probe.status === 0 ? null : `bwrap can't make a network namespace: ${probe.stderr.trim().split('\n').at(-1) ?? ''}`;
}
