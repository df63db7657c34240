import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { mintFolder, mintId } from '../../test/support/mint.ts';
import { checkPlatformUrl, socketUrl } from '../platform-url.ts';
import { loadConfig, saveConfig } from './config.ts';
import { prepareStateFolder, stateFolder } from './folder.ts';
import { fingerprintOf, loadKeys, makeKeys, readableFingerprint } from './keys.ts';
import { lockState } from './lock.ts';

const config = () => ({
  url: 'https://gatehouse.example',
  runnerId: mintId('runner'),
  token: 'ghr_secret',
  issuer: 'https://gatehouse.example',
  keys: [{ kty: 'OKP' }],
  tenant: { id: mintId('tenant'), name: 'Acme', slug: 'acme' },
  name: 'lab',
  labels: {},
});

describe('the address of the platform', () => {
  it.each(['https://gatehouse.example', 'http://localhost:8787', 'http://127.0.0.1:1', 'http://[::1]:1'])('may be %s', (url) => {
    expect(checkPlatformUrl(`${url}/`)).toBe(url);
  });
  it.each(['http://gatehouse.example', 'ftp://localhost', 'localhost:8787', 'https://a:b@gatehouse.example', 'https://x.example/path', ''])(
    'may not be %s',
    (url) => expect(() => checkPlatformUrl(url)).toThrow(),
  );
  it('becomes a WebSocket address', () => {
    expect(socketUrl('https://gatehouse.example', '/a')).toBe('wss://gatehouse.example/a');
  });
});

describe('the configuration', () => {
  it('comes back as it was stored, readable for its owner only', () => {
    const folder = stateFolder(mintFolder());
    const stored = config();
    saveConfig(folder, stored);
    expect(loadConfig(folder)).toEqual(stored);
    expect(statSync(folder.config).mode & 0o777).toBe(0o600);
  });

  it('names each wrong field and never shows the token', () => {
    const folder = stateFolder(mintFolder());
    writeFileSync(folder.config, JSON.stringify({ ...config(), url: 'http://far.example', runnerId: 'x', keys: [], labels: { zone: '' } }));
    const message = (() => {
      try {
        loadConfig(folder);
        return '';
      } catch (error) {
        return String(error);
      }
    })();
    for (const field of ['url: ', 'runnerId: ', 'keys: ', 'labels.zone: ']) expect(message).toContain(field);
    expect(message).not.toContain('ghr_secret');
  });

  it('says what to do when there is none, or it is not JSON', () => {
    const folder = stateFolder(mintFolder());
    expect(() => loadConfig(folder)).toThrow(/enroll/);
    writeFileSync(folder.config, '{');
    expect(() => loadConfig(folder)).toThrow(/not JSON/);
  });
});

describe('the keys', () => {
  it('are the same after a restart, and their fingerprint is over both public halves', () => {
    const folder = stateFolder(mintFolder());
    const { keys, save } = makeKeys();
    save(folder);
    const again = loadKeys(folder);
    expect(fingerprintOf(again)).toBe(fingerprintOf(keys));
    const both = Buffer.concat([Buffer.from(keys.identityKey, 'base64url'), Buffer.from(keys.agreementKey, 'base64url')]);
    expect(both.byteLength).toBe(64);
    expect(fingerprintOf(keys)).toBe(`SHA256:${createHash('sha256').update(both).digest('hex')}`);
    expect(readableFingerprint(fingerprintOf(keys)).match(/[0-9a-f]{4}/g)).toHaveLength(16);
  });

  it('are refused when damaged or of the wrong kind', () => {
    const folder = stateFolder(mintFolder());
    const { save } = makeKeys();
    save(folder);
    writeFileSync(folder.identityKey, 'rubbish');
    expect(() => loadKeys(folder)).toThrow(/identity\.pem is not a private key/);
    save({ ...folder, identityKey: folder.agreementKey, agreementKey: folder.identityKey });
    expect(() => loadKeys(folder)).toThrow(/must be a key of kind ed25519/);
  });
});

describe('the state folder', () => {
  it('is closed to others, also when it was open before', () => {
    const root = mintFolder();
    chmodSync(root, 0o755);
    prepareStateFolder(stateFolder(root));
    expect(statSync(root).mode & 0o777).toBe(0o700);
  });

  it('serves one runner at a time; the lock of a dead one, or of another process with its pid, does not count', () => {
    const folder = stateFolder(mintFolder());
    const release = lockState(folder);
    expect(() => lockState(folder)).toThrow(new RegExp(`process ${process.pid}`));
    release();
    for (const stale of ['4194300 12345', `${process.pid} 1`, '', 'rubbish']) {
      writeFileSync(join(folder.root, 'runner.lock'), stale);
      lockState(folder)();
    }
  });

  it('can be used after a killed runner whose parent never notices its end', async () => {
    const folder = stateFolder(mintFolder());
    // The shell becomes a program that waits for no children.
    const parent = spawn('sh', ['-c', 'sleep 0.2 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] });
    const [line] = (await once(parent.stdout, 'data')) as [Buffer];
    const stat = () => readFileSync(`/proc/${Number(line.toString())}/stat`, 'utf8').split(' ');
    await vi.waitUntil(() => stat()[2] === 'Z');
    writeFileSync(folder.lock, `${stat()[0]} ${stat()[21]}\n`);
    lockState(folder)();
    parent.kill();
  });
});
