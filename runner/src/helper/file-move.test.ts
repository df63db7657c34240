import {
  chmodSync,
  mkdtempSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { copyTo } from './file-move.ts';

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-copy-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

it('a file that is truncated while it is copied ends where it ends now', { timeout: 30_000 }, async () => {
  const folder = makeFolder();
  const [source, target] = [join(folder, 'log'), join(folder, 'copy')];
  const size = 128 * 1024 * 1024;
  writeFileSync(source, '');
  truncateSync(source, size);
  const copied = copyTo(source, target);
  await vi.waitFor(() => statSync(target), { interval: 1 });
  truncateSync(source, 0);
  await copied;
  expect(statSync(target).size).toBeLessThan(size);
});

it('a folder is copied with its modes, times and links, without its pipes', async () => {
  const folder = makeFolder();
  const source = join(folder, 'app');
  mkdirSync(join(source, 'deep'), { recursive: true });
  writeFileSync(join(source, 'deep/run.sh'), 'echo hello\n');
  writeFileSync(join(source, 'empty'), '');
  chmodSync(join(source, 'deep/run.sh'), 0o750);
  chmodSync(join(source, 'deep'), 0o500);
  symlinkSync('/nowhere', join(source, 'link'));
  execFileSync('mkfifo', [join(source, 'pipe')]);
  const target = join(folder, 'copy');
  await copyTo(source, target);
  expect(readFileSync(join(target, 'deep/run.sh'), 'utf8')).toBe('echo hello\n');
  expect(statSync(join(target, 'deep/run.sh')).mode & 0o777).toBe(0o750);
  expect(statSync(join(target, 'deep')).mode & 0o777).toBe(0o500);
  expect(statSync(join(target, 'empty')).size).toBe(0);
  expect(Math.round(statSync(join(target, 'deep')).mtimeMs)).toBe(Math.round(statSync(join(source, 'deep')).mtimeMs));
  expect(readlinkSync(join(target, 'link'))).toBe('/nowhere');
  expect(() => statSync(join(target, 'pipe'))).toThrow('ENOENT');
  chmodSync(join(source, 'deep'), 0o700);
  chmodSync(join(target, 'deep'), 0o700);
});

it('what could not be copied leaves nothing behind, and what is there is left alone', async () => {
  const folder = makeFolder();
  execFileSync('mkfifo', [join(folder, 'pipe')]);
  await expect(copyTo(join(folder, 'pipe'), join(folder, 'copy'))).rejects.toMatchObject({ code: 'not-a-file' });
  expect(() => statSync(join(folder, 'copy'))).toThrow('ENOENT');
  writeFileSync(join(folder, 'a'), 'a');
  writeFileSync(join(folder, 'b'), 'b');
  await expect(copyTo(join(folder, 'a'), join(folder, 'b'))).rejects.toMatchObject({ code: 'exists' });
  expect(readFileSync(join(folder, 'b'), 'utf8')).toBe('b');
});
