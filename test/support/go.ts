import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Where Debian's golang-golang-x-mod-dev puts its sources. */
const DEBIAN_GOPATH = '/usr/share/gocode';
const X_MOD = join(DEBIAN_GOPATH, 'src/golang.org/x/mod');

/** Why Go's implementation of transparency logs can't be asked here; it must be where GATEHOUSE_REQUIRE_GO=1. */
export function goMissing(): string | null {
  const missing =
    spawnSync('go', ['version']).status !== 0
      ? 'there is no Go (apt-get install golang-go)'
      : existsSync(X_MOD)
        ? null
        : 'golang.org/x/mod is not installed (apt-get install golang-golang-x-mod-dev)';
  if (missing === null) return null;
  if (process.env['GATEHOUSE_REQUIRE_GO'] === '1') throw new Error(`GATEHOUSE_REQUIRE_GO=1, but: ${missing}`);
  process.stderr.write(`\n*** LEFT OUT: every test of proofs with Go’s own implementation, because ${missing} ***\n\n`);
  return missing;
}

/** Builds a program of one file without asking the network, whatever this Go thinks of GOPATH. @returns what runs and what removes it */
export function buildGo(source: string): { run: (input: string) => string; remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-go-'));
  const program = join(folder, 'program');
  copyFileSync(source, join(folder, 'main.go'));
  const env = { ...process.env, GOFLAGS: '', GOPROXY: 'off', GOTOOLCHAIN: 'local' };
  const build = (more: Record<string, string>) =>
    spawnSync('go', ['build', '-o', program, '.'], { cwd: folder, env: { ...env, ...more }, encoding: 'utf8' });
  const byPath = build({ GO111MODULE: 'off', GOPATH: DEBIAN_GOPATH });
  if (byPath.status !== 0) {
    const module = `module verify\n\ngo 1.19\n\nrequire golang.org/x/mod v0.0.0\n\nreplace golang.org/x/mod => ${X_MOD}\n`;
    writeFileSync(join(folder, 'go.mod'), module);
    const byModule = build({ GO111MODULE: 'on', GOPATH: join(folder, 'path'), GOFLAGS: '-mod=mod', GONOSUMDB: '*' });
    if (byModule.status !== 0) throw new Error(`Go builds it neither by GOPATH nor as a module:\n${byPath.stderr}\n${byModule.stderr}`);
  }
  return {
    run: (input) => execFileSync(program, { input, encoding: 'utf8', maxBuffer: 64_000_000 }),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
