import { existsSync, lstatSync, readdirSync, readlinkSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { librariesOf } from './libraries.ts';

/** Top-level folders that a system keeps beside /usr, or as links into it. */
const SYSTEM_FOLDERS = ['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32'];

/** The few things of the machine's /etc that programs need; nothing that tells who may do what on it. */
const ETC = [
  ...['alternatives', 'bash.bashrc', 'bash_completion.d', 'ca-certificates', 'ca-certificates.conf', 'crypto-policies', 'debian_version'],
  ...['fonts', 'gai.conf', 'host.conf', 'hosts', 'inputrc', 'java-17-openjdk', 'java-21-openjdk', 'ld.so.cache', 'ld.so.conf'],
  ...['ld.so.conf.d', 'localtime', 'magic', 'mime.types', 'nanorc', 'nsswitch.conf', 'os-release', 'pki', 'profile', 'profile.d'],
  ...['protocols', 'resolv.conf', 'rpc', 'services', 'skel', 'ssl/certs', 'ssl/openssl.cnf', 'terminfo', 'timezone', 'vim', 'wgetrc'],
];

/** What says how this machine reaches others: also under another root file system. */
const ETC_OF_NETWORK = ['hosts', 'resolv.conf'];
/** what the sandbox makes itself */
const OWN_ETC = ['passwd', 'group', 'shadow', 'gshadow', 'mtab', 'hostname', 'gatehouse', ...ETC_OF_NETWORK];
const OWN_FOLDERS = ['proc', 'sys', 'dev', 'tmp', 'run', 'home', 'root', 'boot', 'mnt', 'media', 'lost+found'];
const OWN_VAR = ['tmp', 'run', 'lock'];

const folder = (path: string) => ['--perms', '0755', '--dir', path];

/** Shows an entry of a folder as it is: a link stays a link, because the machine must not follow it. */
const show = (source: string, target: string): string[] =>
  lstatSync(source).isSymbolicLink() ? ['--symlink', readlinkSync(source), target] : ['--ro-bind', source, target];

const machineSystem = (): string[] => {
  const folders = SYSTEM_FOLDERS.map((name) => `/${name}`)
    .filter((path) => existsSync(path))
    .flatMap((path) => show(path, path));
  const etc = ETC.map((name) => `/etc/${name}`)
    .filter((path) => existsSync(path))
    // Bound by what it really is: resolv.conf is often a link to a place that the sandbox does not show.
    .flatMap((path) => ['--ro-bind', realpathSync(path), path]);
  return ['--ro-bind', '/usr', '/usr', ...folders, ...folder('/etc'), ...folder('/etc/ssl'), ...etc];
};

/** Each entry of a folder of the root file system but those that the sandbox has itself. */
const entriesOf = (rootfs: string, path: string, own: readonly string[]): string[] => {
  const source = join(rootfs, path);
  // A link here would lead to the machine's own files.
  if (!existsSync(source) || !lstatSync(source).isDirectory()) return [];
  return readdirSync(source)
    .filter((name) => !own.includes(name))
    .flatMap((name) => show(join(source, name), `${path}/${name}`));
};

const otherSystem = (rootfs: string): string[] => {
  const network = ETC_OF_NETWORK.map((name) => `/etc/${name}`)
    .filter((path) => existsSync(path))
    .flatMap((path) => ['--ro-bind', realpathSync(path), path]);
  return [
    ...entriesOf(rootfs, '', [...OWN_FOLDERS, 'etc', 'opt', 'var']),
    ...[...folder('/etc'), ...entriesOf(rootfs, '/etc', OWN_ETC), ...network],
    ...[...folder('/opt'), ...entriesOf(rootfs, '/opt', ['gatehouse'])],
    ...entriesOf(rootfs, '/var', OWN_VAR),
  ];
};

/** The system that programs of a workspace see, read-only. @param rootfs null: the machine's own */
export const systemArguments = (rootfs: string | null): string[] => (rootfs === null ? machineSystem() : otherSystem(rootfs));

/** How the programs that the sandbox itself is made of are started. */
export interface Tools {
  /** shows them, and what they are linked to, where the system is another one */
  binds: string[];
  loader: string[];
  setpriv: string[];
  prlimit: string[];
}

const TOOLS = '/opt/gatehouse/tools';

/** Under another root file system they bring their own libraries: it may have others, or none. */
export function toolsOf(rootfs: string | null): Tools {
  if (rootfs === null) return { binds: [], loader: [], setpriv: ['/usr/bin/setpriv'], prlimit: ['/usr/bin/prlimit'] };
  const { loader, libraries } = librariesOf([process.execPath, '/usr/bin/setpriv', '/usr/bin/prlimit']);
  const binds = Object.entries({ 'ld.so': loader, setpriv: '/usr/bin/setpriv', prlimit: '/usr/bin/prlimit', ...libraries });
  const load = [`${TOOLS}/ld.so`, '--library-path', TOOLS];
  return {
    binds: [...folder(TOOLS), ...binds.flatMap(([name, path]) => ['--ro-bind', path, `${TOOLS}/${name}`])],
    loader: load,
    setpriv: [...load, `${TOOLS}/setpriv`],
    prlimit: [...load, `${TOOLS}/prlimit`],
  };
}
