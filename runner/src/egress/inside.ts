import { chmodSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { gitHostsOf } from '@gatehouse/core/access/egress.ts';
import { resourceInside } from '@gatehouse/core/api/workspace-network.ts';
import type { RunnerNetwork } from '@gatehouse/core/protocol/runner-policy.ts';
import type { SandboxNetwork } from '../sandbox/driver.ts';

/** Where a sandbox with a network of its own finds its ways out. */
const SOCKETS = '/run/gatehouse';
export const WEB_SOCKET = 'web.sock';
export const GIT_SOCKET = 'git.sock';
export const resourceSocket = (name: string): string => `tcp-${name}.sock`;
const CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt';
const WEB_PORT = 3128;
const GIT_PORT = 3129;

export const socketFolderOf = (folder: string): string => join(folder, 'egress');

/** The folder of the sockets, which the workspace's user may enter and not change. */
export function makeSocketFolder(folder: string): string {
  const sockets = socketFolderOf(folder);
  mkdirSync(sockets, { recursive: true, mode: 0o755 });
  chmodSync(sockets, 0o755);
  return sockets;
}

const proxy = `http://127.0.0.1:${WEB_PORT}`;
const local = 'localhost,127.0.0.1,::1';

/** What programs find in their environment. npm, pip, curl, Go, cargo and Node take it from there; git has its own way. */
const environmentOf = ({ resources }: RunnerNetwork): Record<string, string> => ({
  ...{ HTTP_PROXY: proxy, HTTPS_PROXY: proxy, ALL_PROXY: proxy, NO_PROXY: local },
  ...{ http_proxy: proxy, https_proxy: proxy, all_proxy: proxy, no_proxy: local },
  NODE_USE_ENV_PROXY: '1',
  // After a script npm would ask its registry for news of itself, and people be told that this was refused.
  NPM_CONFIG_UPDATE_NOTIFIER: 'false',
  // Node alone does not believe whom the machine believes: an organisation's own mirror, say.
  ...(existsSync(CERTIFICATES) ? { NODE_EXTRA_CA_CERTS: CERTIFICATES } : {}),
  ...Object.fromEntries(
    resources.map((each, index) => {
      const { variable, port } = resourceInside(each, index);
      return [variable, `127.0.0.1:${port}`];
    }),
  ),
});

const quoted = (value: string) => `"${value.replaceAll(/["\\]/g, '\\$&')}"`;

/** Points git at its proxy, whatever way a repository is written. Git asks for no password in here. */
function gitConfigOf({ git }: RunnerNetwork): string {
  const way = (to: string, ...from: string[]) =>
    `[url ${quoted(`http://127.0.0.1:${GIT_PORT}/${to}`)}]\n${from.map((each) => `\tinsteadOf = ${quoted(each)}\n`).join('')}`;
  const plain = [...git.fetch, ...git.push].filter((each) => each.startsWith('http://')).map((each) => new URL(each).host);
  return [
    '[credential]\n\thelper =\n[core]\n\taskPass = true\n',
    way('https/', 'https://'),
    ...gitHostsOf(git).map((host) => way(`https/${host}/`, `git@${host}:`, `ssh://git@${host}/`, `git://${host}/`)),
    ...[...new Set(plain)].map((host) => way(`http/${host}/`, `http://${host}/`)),
  ].join('');
}

/** @param sockets folder of the sockets on this machine */
export const networkInside = (sockets: string, network: RunnerNetwork): SandboxNetwork => ({
  sockets: { folder: sockets, inside: SOCKETS },
  environment: environmentOf(network),
  gitConfig: gitConfigOf(network),
  forwards: [
    { port: WEB_PORT, socket: `${SOCKETS}/${WEB_SOCKET}` },
    { port: GIT_PORT, socket: `${SOCKETS}/${GIT_SOCKET}` },
    ...network.resources.map((each, index) => ({
      port: resourceInside(each, index).port,
      socket: `${SOCKETS}/${resourceSocket(each.name)}`,
    })),
  ],
});
