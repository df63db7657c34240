import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { mintFolder, mintId } from '../../test/support/mint.ts';
import { SnapshotStore } from '../../test/support/snapshot-store.ts';
import { restoreHome } from './bring.ts';
import { Forgotten, makeSnapshot, type Made, type SnapshotPlan } from './make.ts';
import { healHome } from './place.ts';
import { SnapshotKeys } from './sealing.ts';

const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);

/** Numbers that a seed determines (mulberry32). */
function dice(start: number): (below: number) => number {
  let state = start;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const NAMES = ['a', 'B c', '.hidden', 'ünïcode', '新しい', 'quote\'"', 'line\nbreak', '-rf', '*', 'x'.repeat(200)];
const oddBytes = Buffer.from([0xff, 0xfe, 0x20, 0x80]);

/** A folder with all that a home may hold. */
function growTree(folder: Buffer, roll: (below: number) => number, depth: number, files: Buffer[]): void {
  const names = NAMES.map((name) => Buffer.from(name));
  for (const name of [...names, oddBytes].filter(() => roll(3) > 0)) {
    const path = Buffer.concat([folder, Buffer.from('/'), name]);
    const kind = roll(10);
    if (kind < 3 && depth < 3) {
      mkdirSync(path);
      growTree(path, roll, depth + 1, files);
      chmodSync(path, [0o755, 0o700, 0o1777, 0o2750][roll(4)] ?? 0o755);
      utimesSync(path, roll(2 ** 31), roll(2 ** 31));
    } else if (kind === 3) symlinkSync(Buffer.from(['nowhere', '/etc/passwd', '../..', 'a'][roll(4)] ?? 'a'), path);
    else if (kind === 4 && files.length > 0) linkSync(files[roll(files.length)] ?? path, path);
    else {
      const content = Buffer.alloc([0, 1, 5000, 300_000, 3_000_000, 77, 999][roll(7)] ?? 0, `${roll(1000)} of it\n`);
      writeFileSync(path, content);
      chmodSync(path, [0o644, 0o600, 0o755, 0o444][roll(4)] ?? 0o644);
      utimesSync(path, roll(2 ** 31) + roll(1000) / 1000, roll(2 ** 31) + roll(1000) / 1000);
      files.push(path);
    }
  }
}

/** All of a tree that a snapshot keeps, in comparable form. */
function describeTree(root: Buffer): string[] {
  const inodes = new Map<string, string>();
  const lines: string[] = [];
  const walk = (path: Buffer, name: string) => {
    const stats = lstatSync(path, { bigint: true });
    const common = `${name} ${(Number(stats.mode) & 0o7777).toString(8)} ${stats.mtimeNs / 1000n}`;
    if (stats.isSymbolicLink()) return lines.push(`link ${name} → ${readlinkSync(path, { encoding: 'latin1' })}`);
    if (stats.isFile()) {
      const inode = `${stats.ino}`;
      const first = inodes.get(inode) ?? name;
      inodes.set(inode, first);
      return lines.push(`file ${common} ${stats.size} ${readFileSync(path).toString('base64').slice(0, 200)} as ${first}`);
    }
    lines.push(`folder ${common}`);
    const children = readdirSync(path, { encoding: 'buffer' }).sort(Buffer.compare);
    return children.forEach((child) => walk(Buffer.concat([path, Buffer.from('/'), child]), `${name}/${child.toString('latin1')}`));
  };
  walk(root, '');
  return lines;
}
const treeOf = (folder: string) => describeTree(Buffer.from(join(folder, 'home')));

/** A workspace's folder with a home, its keys, and a service. */
function mintWorkspace(store = new SnapshotStore()) {
  const folder = mintFolder();
  const home = join(folder, 'home');
  mkdirSync(home);
  const place = { tenantId: mintId('tenant'), workspaceId: mintId('workspace') };
  // The key decides where chunks end: always the same one, so that they end in the same places.
  const keys = new SnapshotKeys(Buffer.alloc(32, 7), place);
  let last: SnapshotPlan['last'] = null;
  const snap = async (change: Partial<SnapshotPlan> = {}): Promise<{ id: string; made: Made | null }> => {
    const id = mintId('snapshot');
    const plan: SnapshotPlan = {
      ...{ id, workspaceId: place.workspaceId, cause: 'stop', home, ignore: [], keys, remote: store, last },
      ...{ signal: new AbortController().signal, pace: async () => undefined },
      ...change,
    };
    const made = await makeSnapshot(plan);
    if (made !== null) last = { root: made.root, manifest: made.manifest };
    return { id, made };
  };
  const restore = (id: string, into = folder, by = keys) =>
    restoreHome({ id, folder: into, keys: by, remote: store, signal: new AbortController().signal, now: 1, progress: () => undefined });
  return { folder, home, store, keys, place, snap, restore };
}

/** What no compression makes smaller, the same each time. */
const noise = (bytes: number, roll = dice(7)) => Buffer.from(Uint32Array.from({ length: bytes / 4 }, () => roll(2 ** 32)).buffer);

describe('a snapshot of a home', () => {
  it.each(Array.from({ length: 3 }, (_, index) => seed + index))('comes back as it was: seed %i', async (each) => {
    const workspace = mintWorkspace();
    growTree(Buffer.from(workspace.home), dice(each), 0, []);
    const before = treeOf(workspace.folder);
    const { id } = await workspace.snap();
    const other = mintFolder();
    await workspace.restore(id, other);
    expect(treeOf(other)).toEqual(before);
    await workspace.restore(id);
    expect(treeOf(workspace.folder)).toEqual(before);
  });

  it('sends only what changed the second time, and nothing at all where nothing did', async () => {
    const { home, store, snap } = mintWorkspace();
    for (let index = 0; index < 6; index++) writeFileSync(join(home, `file ${index}`), noise(4 * 1024 * 1024, dice(index)));
    await snap();
    expect(store.received).toBeGreaterThan(24 * 1024 * 1024);
    const [calls, received] = [store.calls.length, store.received];
    expect((await snap()).made).toBeNull();
    expect(store.calls.length).toBe(calls);
    const content = readFileSync(join(home, 'file 3'));
    writeFileSync(
      join(home, 'file 3'),
      Buffer.concat([content.subarray(0, 2_000_000), Buffer.from('one line\n'), content.subarray(2_000_000)]),
    );
    await snap();
    // The chunk with the line, and that with the file's new time and size; the rest of the file has only moved.
    expect(store.received - received).toBeLessThan(2 * 2 * 1024 * 1024 + 100_000);
  });

  it('of whoever asks is made also when nothing changed', async () => {
    const { home, store, snap } = mintWorkspace();
    writeFileSync(join(home, 'a'), 'a');
    await snap();
    expect((await snap({ cause: 'asked' })).made).not.toBeNull();
    expect(store.manifests.size).toBe(2);
  });

  it('says what it leaves out and what changed while it was read', async () => {
    const { home, snap, folder, restore } = mintWorkspace();
    execFileSync('mkfifo', [join(home, 'pipe')]);
    const server = createServer().listen(join(home, 'socket'));
    onTestFinished(() => void server.close());
    mkdirSync(join(home, '.cache'));
    writeFileSync(join(home, '.cache', 'much'), 'much');
    writeFileSync(join(home, 'growing'), noise(12 * 1024 * 1024));
    writeFileSync(join(home, 'shrinking'), noise(12 * 1024 * 1024, dice(8)));
    let turns = 0;
    const { id, made } = await snap({
      ignore: ['.cache'],
      pace: async () => {
        appendFileSync(join(home, 'growing'), 'more');
        if (++turns === 12) truncateSync(join(home, 'shrinking'), 1000);
      },
    });
    expect(made?.reading.leftOut.names).toEqual(['pipe', 'socket']);
    expect(made?.reading.changed.names.sort()).toEqual(['growing', 'shrinking']);
    await restore(id);
    expect(readdirSync(join(folder, 'home')).sort()).toEqual(['growing', 'shrinking']);
    expect(lstatSync(join(folder, 'home', 'shrinking')).size).toBe(12 * 1024 * 1024);
  });

  it('never leaves the home by a link that takes the place of a folder while it is read', async () => {
    const { folder, home, snap, restore } = mintWorkspace();
    const outside = mintFolder();
    writeFileSync(join(outside, 'secret'), 'the runner’s own');
    writeFileSync(join(home, 'a'), noise(16 * 1024 * 1024));
    mkdirSync(join(home, 'b', 'c'), { recursive: true });
    const { id } = await snap({
      pace: async () => {
        if (lstatSync(join(home, 'b')).isSymbolicLink()) return;
        renameSync(join(home, 'b'), join(home, 'z'));
        symlinkSync(outside, join(home, 'b'));
      },
    });
    await restore(id);
    expect(lstatSync(join(folder, 'home', 'b')).isSymbolicLink()).toBe(true);
    expect(JSON.stringify(treeOf(folder))).not.toContain('secret');
  });

  it('holds a bounded part of a large file in memory', async () => {
    const { home, snap, store } = mintWorkspace();
    // Sparse: it takes no room here, and is as large as it says to whoever reads it.
    const size = 192 * 1024 * 1024;
    const path = join(home, 'large');
    writeFileSync(path, '');
    truncateSync(path, size);
    const { made } = await snap();
    expect(made?.reading.bytes).toBe(size);
    expect(made?.mostHeld).toBeLessThanOrEqual(10 * 1024 * 1024);
    expect(store.received).toBeLessThan(1024 * 1024);
    writeFileSync(path, noise(32 * 1024 * 1024));
    expect((await snap()).made?.mostHeld).toBeLessThanOrEqual(10 * 1024 * 1024);
  }, 180_000);

  it('goes on with what an earlier attempt has brought to the store', async () => {
    const { home, store, snap } = mintWorkspace();
    writeFileSync(join(home, 'a'), noise(24 * 1024 * 1024));
    store.fail = (call) => {
      if (call === 'chunk' && store.chunks.size === 10) throw new Error('killed');
    };
    await expect(snap()).rejects.toThrow('killed');
    const sent = store.received;
    store.fail = () => undefined;
    await snap();
    expect(store.received).toBeLessThan(24 * 1024 * 1024 + 1024 * 1024);
    expect(sent).toBeGreaterThan(5 * 1024 * 1024);
  });

  it('is begun anew where the store has lost what was taken for stored', async () => {
    const { home, store, snap } = mintWorkspace();
    writeFileSync(join(home, 'a'), noise(4 * 1024 * 1024));
    await snap();
    store.chunks.clear();
    await expect(snap({ cause: 'asked' })).rejects.toBeInstanceOf(Forgotten);
    expect((await snap({ cause: 'asked', last: null })).made).not.toBeNull();
  });
});

describe('a snapshot that was tampered with is not restored, and the home stands', () => {
  async function twoSnapshots() {
    const workspace = mintWorkspace();
    const { home, store, snap, folder } = workspace;
    writeFileSync(join(home, 'a'), noise(6 * 1024 * 1024));
    const older = (await snap()).id;
    writeFileSync(join(home, 'b'), noise(6 * 1024 * 1024, dice(8)));
    const newer = (await snap()).id;
    return { ...workspace, older, newer, standing: treeOf(folder), ids: [...store.chunks.keys()].reverse() };
  }
  type Case = Awaited<ReturnType<typeof twoSnapshots>>;
  const chunk = ({ store, ids }: Case, index: number) => store.chunks.get(ids[index] ?? '') ?? Buffer.alloc(0);
  const flip = (bytes: Buffer, at: number) => {
    const copy = Buffer.from(bytes);
    copy.writeUInt8(copy.readUInt8(at) ^ 1, at);
    return copy;
  };
  const CASES: Record<string, [(on: Case) => void, RegExp]> = {
    'a bit of a chunk': [(on) => on.store.chunks.set(on.ids[2] ?? '', flip(chunk(on, 2), 500)), /Chunk \d+ of \d+ .* was altered/],
    'a bit of a nonce': [(on) => on.store.chunks.set(on.ids[2] ?? '', flip(chunk(on, 2), 0)), /Chunk \d+ of \d+ .* was altered/],
    'one chunk in another’s place': [(on) => on.store.chunks.set(on.ids[1] ?? '', chunk(on, 2)), /Chunk \d+ of \d+ .* was altered/],
    'the end of a chunk': [(on) => on.store.chunks.set(on.ids[1] ?? '', chunk(on, 1).subarray(0, -40)), /was altered/],
    'all of a chunk but its head': [(on) => on.store.chunks.set(on.ids[1] ?? '', chunk(on, 1).subarray(0, 20)), /is cut off/],
    'a chunk that is not there': [(on) => on.store.chunks.delete(on.ids[1] ?? ''), /Chunk \d+ of \d+ .* is not in the store any more/],
    'a bit of the list': [
      (on) => on.store.manifests.set(on.newer, flip(on.store.manifests.get(on.newer) ?? Buffer.alloc(0), 60)),
      /The list of the snapshot can’t be used: it was altered/,
    ],
    'an older list under the newer name': [
      (on) => on.store.manifests.set(on.newer, on.store.manifests.get(on.older) ?? Buffer.alloc(0)),
      /The list of the snapshot can’t be used: it was altered/,
    ],
    'a list that is not there': [(on) => on.store.manifests.delete(on.newer), /The list of the snapshot is not in the store any more/],
  };
  it.each(Object.entries(CASES))('%s', async (_, [spoil, says]) => {
    const on = await twoSnapshots();
    spoil(on);
    await expect(on.restore(on.newer)).rejects.toThrow(says);
    expect(treeOf(on.folder)).toEqual(on.standing);
    expect(readdirSync(on.folder)).toEqual(['home']);
  });

  it.each(['tenantId', 'workspaceId'] as const)('what is another one’s by its %s', async (field) => {
    const key = randomBytes(32);
    const place = { tenantId: 'one', workspaceId: 'one' };
    const on = await twoSnapshots();
    const mine = new SnapshotKeys(key, place);
    const foreign = new SnapshotKeys(key, { ...place, [field]: 'other' });
    const { id } = await on.snap({ keys: mine, cause: 'asked', last: null });
    await expect(on.restore(id, on.folder, foreign)).rejects.toThrow('was altered, or is not what it is said to be');
    expect(treeOf(on.folder)).toEqual(on.standing);
  });
});

describe('a restore that is broken off', () => {
  it('leaves the home that was there, whichever moment a kill chooses', async () => {
    const { folder, home, snap, restore } = mintWorkspace();
    writeFileSync(join(home, 'old'), 'old');
    const { id } = await snap();
    writeFileSync(join(home, 'new'), 'new');
    const standing = treeOf(folder);
    // Killed between the two renames.
    renameSync(home, join(folder, 'home.before-1'));
    mkdirSync(join(folder, 'home.restoring'));
    healHome(folder);
    expect(treeOf(folder)).toEqual(standing);
    // Killed while it grew: what is half goes, and the next attempt begins anew.
    writeFileSync(join(folder, 'home.restoring', 'half'), '');
    await restore(id);
    expect(readdirSync(home)).toEqual(['old']);
    expect(readdirSync(folder).sort()).toEqual(['home', 'home.before-1']);
    expect(existsSync(join(folder, 'home.before-1', 'new'))).toBe(true);
    rmSync(home, { recursive: true });
    healHome(folder);
    expect(existsSync(join(home, 'new'))).toBe(true);
  });
});
