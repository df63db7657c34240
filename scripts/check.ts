import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';

/** What a release must hold beside its tests: a bound on the bundle, no secrets, licences we accept, a bill of materials. */

const root = resolve(import.meta.dirname, '..');

/** Largest Worker, compressed. The platform allows 3 MiB and more; a jump is worth a look. The lists of breached passwords are 440 KiB of it. */
const MAX_WORKER_GZIP = 1344 * 1024;

const LICENCES =
  /^(MIT|MIT-0|ISC|Apache-2\.0|BSD-2-Clause|BSD-3-Clause|0BSD|MPL-2\.0|BlueOak-1\.0\.0|CC0-1\.0|CC-BY-4\.0|Unlicense|Python-2\.0|OFL-1\.1|WTFPL|Zlib)$/;

/** Shapes of credentials, ours included. */
const SECRETS = [
  /-----BEGIN (?:RSA |EC |OPENSSH )?PRIVATE KEY-----/,
  /\bAKIA[0-9A-Z]{16}\b/,
  /\bgh[pousr]_[A-Za-z0-9]{36}\b/,
  /\bgh[crivetfw]?_s\d+\.tnt_[0-9a-z]{26}\.[A-Za-z0-9_-]{43}/,
  /\bgho_[A-Za-z0-9_-]{40,}\b/,
  /\bxox[abp]-[A-Za-z0-9-]{20,}/,
];

function checkBundle(): string[] {
  const parts = readdirSync(join(root, 'dist/worker')).filter((name) => /\.(js|bin)$/.test(name));
  const size = parts.reduce((sum, name) => sum + gzipSync(readFileSync(join(root, 'dist/worker', name))).byteLength, 0);
  console.log(`Worker: ${Math.round(size / 1024)} KiB compressed, at most ${MAX_WORKER_GZIP / 1024}`);
  return size > MAX_WORKER_GZIP ? [`The Worker has ${size} bytes compressed`] : [];
}

function checkSecrets(): string[] {
  const files = execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' }).split('\0').filter(Boolean);
  const found = files.filter((file) => {
    const text = readFileSync(join(root, file), 'latin1');
    return SECRETS.some((shape) => shape.test(text));
  });
  console.log(`Secrets: ${files.length} files looked through`);
  return found.map((file) => `${file} holds what looks like a secret`);
}

interface LockedPackage {
  license?: string;
  link?: boolean;
  dev?: boolean;
  optional?: boolean;
}

/** Packages whose manifest forgets or misspells the licence that their LICENSE file gives. */
const UNDECLARED: Record<string, string> = { runed: 'MIT', 'svelte-toolbelt': 'MIT', 'incremental-encoder': 'MPL-2.0' };

function checkLicences(): string[] {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as { packages: Record<string, LockedPackage> };
  const packages = Object.entries(lock.packages).filter(([path, { link }]) => path.includes('node_modules/') && !link);
  // Optional parts of development tools (image libraries of the local server) are run here, never shipped.
  const shipped = packages.filter(([, { dev, optional }]) => !(dev && optional));
  const refused = shipped.filter(
    ([path, { license }]) => !acceptable(UNDECLARED[path.slice(path.lastIndexOf('node_modules/') + 13)] ?? license),
  );
  console.log(`Licences: ${packages.length} packages`);
  return refused.map(([path, { license }]) => `${path} is licensed ${license ?? 'nobody knows how'}`);
}

/** `(MIT OR X)` is acceptable when one is, `A AND B` when both are. */
function acceptable(licence: string | undefined): boolean {
  if (licence === undefined) return false;
  return licence
    .replace(/[()]/g, '')
    .split(' OR ')
    .some((choice) => choice.split(' AND ').every((each) => LICENCES.test(each.trim())));
}

function writeBillOfMaterials(): void {
  const sbom = execFileSync('npm', ['sbom', '--sbom-format', 'cyclonedx', '--package-lock-only', '--omit', 'dev'], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  writeFileSync(join(root, 'dist/sbom.json'), sbom);
  const { components } = JSON.parse(sbom) as { components: unknown[] };
  console.log(`Bill of materials: ${components.length} components in dist/sbom.json`);
}

const faults = [...checkBundle(), ...checkSecrets(), ...checkLicences()];
writeBillOfMaterials();
for (const fault of faults) console.error(fault);
process.exit(faults.length > 0 ? 1 : 0);
