import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');

function node(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  return new Promise((done) => {
    const child = execFile(process.execPath, args, { cwd: root }, (_, out, err) => done({ code: child.exitCode ?? -1, out, err }));
  });
}

describe('secrets of a deployment', () => {
  test('all are printed, or those that are asked for, each time others', async () => {
    const [all, again, one] = await Promise.all([
      node('scripts/print-secrets.ts'),
      node('scripts/print-secrets.ts'),
      node('scripts/print-secrets.ts', 'CHECKPOINT_KEY'),
    ]);
    const names = ['GRANT_KEY', 'CHECKPOINT_KEY', 'KEK', 'OPERATOR_TOKEN'];
    expect(Object.keys(JSON.parse(all.out) as object)).toEqual(names);
    expect(again.out).not.toBe(all.out);
    expect(Object.keys(JSON.parse(one.out) as object)).toEqual(['CHECKPOINT_KEY']);
    const key = (JSON.parse(one.out) as { CHECKPOINT_KEY: string }).CHECKPOINT_KEY;
    expect(JSON.parse(key)).toMatchObject({
      kty: 'OKP',
      crv: 'Ed25519',
      x: expect.stringMatching(/^.{43}$/),
      d: expect.stringMatching(/^.{43}$/),
    });
    expect(await node('scripts/print-secrets.ts', 'MADE_UP')).toMatchObject({ code: 2, err: expect.stringContaining('MADE_UP') });
  });

  test('kept ones stay as they are, and one that a newer version needs is added', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'secrets-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const file = join(folder, 'secrets.json');
    writeFileSync(file, JSON.stringify({ GRANT_KEY: 'kept', KEK: 'kept', OPERATOR_TOKEN: 'kept' }), { mode: 0o600 });
    const load = `import('./scripts/secrets.ts').then(({ localSecrets }) => localSecrets(${JSON.stringify(file)})).then((made) => console.log(JSON.stringify(made)))`;
    const first = JSON.parse((await node('-e', load)).out) as Record<string, string>;
    expect(first).toMatchObject({
      GRANT_KEY: 'kept',
      KEK: 'kept',
      OPERATOR_TOKEN: 'kept',
      CHECKPOINT_KEY: expect.stringContaining('Ed25519'),
    });
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(first);
    expect(JSON.parse((await node('-e', load)).out)).toEqual(first);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });
});
