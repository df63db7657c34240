import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { pack, type Header } from 'tar-stream';
import { describe, expect, it, onTestFinished } from 'vitest';
import { RootfsStore } from '../src/rootfs/store.ts';
import { librariesOf } from '../src/sandbox/libraries.ts';
import { describePrisons } from './escape/support/prison.ts';
import { mintFolder } from './support/mint.ts';
import { isolationMissing, mintPlan, runIn, startSandbox } from './support/sandbox.ts';

type Member = Partial<Header> & { name: string; content?: string | Uint8Array };

async function tarOf(members: Member[]): Promise<Buffer> {
  const archive = pack();
  for (const { content = '', ...header } of members) archive.entry(header, Buffer.from(content));
  archive.finalize();
  const pieces: Buffer[] = [];
  for await (const piece of archive) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}

const digestOf = (bytes: Uint8Array) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
const SHELL: Member[] = [
  { name: 'usr/bin/bash', content: '#!' },
  { name: 'bin', type: 'symlink', linkname: 'usr/bin' },
];
const never = new AbortController().signal;

/** Serves bytes on this machine's loopback. @returns how to name them in a template, and how often they were asked for */
async function serve(bytes: Uint8Array): Promise<{ digest: string; source: string; asked: () => number }> {
  let asked = 0;
  const server = createServer((_request, response) => {
    asked += 1;
    response.end(bytes);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return { digest: digestOf(bytes), source: `http://127.0.0.1:${(server.address() as AddressInfo).port}/root.tar`, asked: () => asked };
}

async function unpacked(members: Member[], store = new RootfsStore(join(mintFolder(), 'rootfs'))): Promise<string> {
  return store.use(await serve(await tarOf(members)), () => undefined, never);
}

const image = (layers: Uint8Array[], architecture: string) => {
  const manifest = Buffer.from(JSON.stringify({ layers: layers.map((layer) => ({ digest: digestOf(layer) })) }));
  const inner = Buffer.from(
    JSON.stringify({
      manifests: [
        { digest: `sha256:${'0'.repeat(64)}`, platform: { os: 'linux', architecture: 'riscv64' } },
        { digest: digestOf(manifest), platform: { os: 'linux', architecture } },
      ],
    }),
  );
  const index = { manifests: [{ digest: digestOf(inner), mediaType: 'application/vnd.oci.image.index.v1+json' }] };
  const blobs = [manifest, inner, ...layers].map((blob) => ({ name: `blobs/sha256/${digestOf(blob).slice(7)}`, content: blob }));
  return [
    { name: 'oci-layout', content: '{"imageLayoutVersion":"1.0.0"}' },
    { name: 'index.json', content: JSON.stringify(index) },
    ...blobs,
  ];
};
const ARCHITECTURE = process.arch === 'arm64' ? 'arm64' : 'amd64';

describe('a root file system', () => {
  it('is loaded once, kept only if it is the one that was named, and used from then on', async () => {
    const folder = join(mintFolder(), 'rootfs');
    const served = await serve(gzipSync(await tarOf([...SHELL, { name: 'etc/os-release', content: 'ID=tiny' }])));
    const steps: string[] = [];
    const store = new RootfsStore(folder);
    const [one, two] = await Promise.all([store.use(served, (step) => steps.push(step), never), store.use(served, () => undefined, never)]);
    expect(one).toBe(two);
    expect(readFileSync(join(one, 'etc/os-release'), 'utf8')).toBe('ID=tiny');
    expect(await new RootfsStore(folder).use(served, () => undefined, never)).toBe(one);
    expect(served.asked()).toBe(1);
    expect(steps.at(-1)).toBe('unpacking');
    const other = { ...served, digest: `sha256:${'1'.repeat(64)}` };
    await expect(store.use(other, () => undefined, never)).rejects.toThrow(`it is ${served.digest}`);
    expect(readdirSync(folder)).toEqual([served.digest.slice(7)]);
  });

  it('may be plain, gzip or zstd', async () => {
    const plain = await tarOf(SHELL);
    for (const bytes of [plain, gzipSync(plain), zstdCompressSync(plain)]) {
      const store = new RootfsStore(join(mintFolder(), 'rootfs'));
      expect(existsSync(join(await store.use(await serve(bytes), () => undefined, never), 'usr/bin/bash'))).toBe(true);
    }
  });

  it('may be an OCI image layout: its layers for this machine, with what they take away', async () => {
    const first = gzipSync(
      await tarOf([
        ...SHELL,
        { name: 'a/old', content: 'old' },
        { name: 'a/kept', content: 'kept' },
        { name: 'b/gone', content: 'x' },
        { name: 'b/too', content: 'x' },
      ]),
    );
    const second = await tarOf([
      { name: 'a/.wh.old' },
      { name: 'b/.wh..wh..opq' },
      { name: 'b/new', content: 'new' },
      { name: 'bin/tool', content: 'through the link' },
    ]);
    const root = await unpacked(image([first, second], ARCHITECTURE));
    expect(readdirSync(join(root, 'a'))).toEqual(['kept']);
    expect(readdirSync(join(root, 'b'))).toEqual(['new']);
    expect(readFileSync(join(root, 'usr/bin/tool'), 'utf8')).toBe('through the link');
    expect(readdirSync(dirname(root)).sort()).toEqual(['root', 'used']);
  });

  it('is refused as an image of another machine, or one whose parts are others', async () => {
    const layer = await tarOf(SHELL);
    await expect(unpacked(image([layer], 's390x'))).rejects.toThrow(`The image is not for linux/${ARCHITECTURE}`);
    const forged = image([layer], ARCHITECTURE).map((member) =>
      member.name.endsWith(digestOf(layer).slice(7)) ? { ...member, content: 'other' } : member,
    );
    await expect(unpacked(forged)).rejects.toThrow('is another one');
    await expect(unpacked(image([layer], ARCHITECTURE).filter(({ name }) => !name.endsWith(digestOf(layer).slice(7))))).rejects.toThrow(
      'lacks its part',
    );
  });

  const hostile: [string, Member[]][] = [
    ['a name that leads upwards', [{ name: '../outside', content: 'x' }]],
    ['a name that leads upwards behind a folder', [{ name: 'a/../../outside', content: 'x' }]],
    ['a hard link upwards', [{ name: 'a', type: 'link', linkname: '../../outside' }]],
    [
      'a hard link through a link',
      [
        { name: 'l', type: 'symlink', linkname: '/etc' },
        { name: 'a', type: 'link', linkname: 'l/passwd' },
      ],
    ],
    [
      'a hard link to a link',
      [
        { name: 'l', type: 'symlink', linkname: '/etc/passwd' },
        { name: 'a', type: 'link', linkname: 'l' },
      ],
    ],
    [
      'links in a circle',
      [
        { name: 'a', type: 'symlink', linkname: 'b' },
        { name: 'b', type: 'symlink', linkname: 'a' },
        { name: 'a/x', content: 'x' },
      ],
    ],
    [
      'a file as a folder',
      [
        { name: 'f', content: 'x' },
        { name: 'f/x', content: 'x' },
      ],
    ],
    ['no shell', []],
  ];
  it.each(hostile)('with %s is refused, and leaves nothing', async (_name, members) => {
    const folder = join(mintFolder(), 'rootfs');
    const system = members.length === 0 ? [{ name: 'usr/bin/env', content: 'x' }] : SHELL;
    await expect(unpacked([...system, ...members], new RootfsStore(folder))).rejects.toThrow(/The (archive|root file system)/);
    expect(readdirSync(folder)).toEqual([]);
    expect(existsSync(join(folder, '..', 'outside'))).toBe(false);
  });

  it('writes through its own links only inside itself', async () => {
    const outside = mintFolder();
    writeFileSync(join(outside, 'file'), 'outside');
    const root = await unpacked([
      ...SHELL,
      { name: 'abs', type: 'symlink', linkname: outside },
      { name: 'abs/file', content: 'inside' },
      { name: 'up', type: 'symlink', linkname: '../../../../../../../../../../tmp' },
      { name: 'up/file', content: 'inside' },
      { name: 'usr', type: 'directory', mode: 0o755 },
    ]);
    expect(readFileSync(join(outside, 'file'), 'utf8')).toBe('outside');
    expect(readFileSync(join(root, outside, 'file'), 'utf8')).toBe('inside');
    expect(readFileSync(join(root, 'tmp/file'), 'utf8')).toBe('inside');
  });

  it('has no devices, pipes, or programs with rights of their own', async () => {
    const root = await unpacked([
      ...SHELL,
      { name: 'dev/sda', type: 'block-device', devmajor: 8, devminor: 0 },
      { name: 'dev/tty', type: 'character-device', devmajor: 5, devminor: 0 },
      { name: 'fifo', type: 'fifo' },
      { name: 'usr/bin/su', content: 'x', mode: 0o6777, uid: 0, gid: 0 },
      { name: 'shadow', content: 'x', mode: 0o600 },
      { name: 'closed', type: 'directory', mode: 0 },
    ]);
    for (const name of ['dev/sda', 'dev/tty', 'fifo']) expect(existsSync(join(root, name))).toBe(false);
    expect(statSync(join(root, 'usr/bin/su')).mode & 0o7777).toBe(0o555);
    expect(statSync(join(root, 'shadow')).mode & 0o7777).toBe(0o400);
    expect(statSync(join(root, 'closed')).mode & 0o7777).toBe(0o755);
  });

  it('goes when nobody has started with it for 30 days, and none does now', async () => {
    const folder = join(mintFolder(), 'rootfs');
    const store = new RootfsStore(folder);
    const roots = [
      await unpacked([...SHELL, { name: 'one' }], store),
      await unpacked([...SHELL, { name: 'two' }], store),
      await unpacked([...SHELL, { name: 'new' }], store),
    ];
    const [old, running, fresh] = roots.map((root) => basename(dirname(root)));
    mkdirSync(join(folder, `${'2'.repeat(64)}.new`));
    const now = Date.now();
    const before = new Date(now - 31 * 24 * 3600_000);
    for (const name of [old, running]) utimesSync(join(folder, name ?? '', 'used'), before, before);
    await store.sweep(now, new Set([`sha256:${running}`]));
    expect(readdirSync(folder).sort()).toEqual([running, fresh].sort());
  });

  it('that can’t be loaded says why', async () => {
    const store = new RootfsStore(join(mintFolder(), 'rootfs'));
    const closed = createServer();
    await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve));
    const { port } = closed.address() as AddressInfo;
    await new Promise((resolve) => closed.close(resolve));
    const nowhere = { digest: `sha256:${'3'.repeat(64)}`, source: `http://127.0.0.1:${port}/x.tar` };
    await expect(store.use(nowhere, () => undefined, never)).rejects.toThrow(/could not be loaded from 127.0.0.1: .*ECONNREFUSED/);
    await expect(store.use(nowhere, () => undefined, AbortSignal.abort())).rejects.toThrow();
  });
});

/** A small system of this machine's own programs, with the libraries that they need. */
async function tinySystem(): Promise<Buffer> {
  const folder = mintFolder();
  const tools = ['bash', 'sha256sum', 'ls', 'cat', 'id'].map((name) => realpathSync(`/usr/bin/${name}`));
  const { loader, libraries } = librariesOf(tools);
  for (const name of ['usr/bin', 'usr/lib', 'etc']) mkdirSync(join(folder, name), { recursive: true });
  for (const tool of tools) cpSync(tool, join(folder, 'usr/bin', basename(tool)));
  for (const [name, path] of Object.entries(libraries)) cpSync(path, join(folder, 'usr/lib', name));
  const interpreter =
    /interpreter (\S+?)[,\]]/.exec(
      execFileSync('sh', [
        '-c',
        `file -L /usr/bin/bash 2>/dev/null; readelf -l /usr/bin/bash 2>/dev/null | sed -n 's/.*program interpreter: \\(.*\\)]/interpreter \\1]/p'`,
      ]).toString(),
    )?.[1] ?? loader;
  cpSync(loader, join(folder, 'usr/lib', basename(interpreter)));
  writeFileSync(join(folder, 'etc/os-release'), 'ID=tiny\n');
  writeFileSync(join(folder, 'etc/ld.so.conf'), '/usr/lib\n');
  execFileSync('ln', ['-s', 'usr/bin', join(folder, 'bin')]);
  for (const name of ['lib', 'lib64']) execFileSync('ln', ['-s', 'usr/lib', join(folder, name)]);
  return execFileSync('tar', ['-C', folder, '-cf', '-', '.'], { maxBuffer: 256 * 1024 * 1024 });
}

describe.runIf(isolationMissing() === null)('a workspace with a root file system of its own', () => {
  it('has the same tools on two runners, whatever is on the machine, and can’t change them', async () => {
    const served = await serve(gzipSync(await tinySystem()));
    const seen: string[] = [];
    for (const store of [new RootfsStore(join(mintFolder(), 'rootfs')), new RootfsStore(join(mintFolder(), 'rootfs'))]) {
      const folder = await store.use(served, () => undefined, never);
      const sandbox = await startSandbox('bubblewrap', mintPlan({ rootfs: { digest: served.digest, folder } }));
      expect(sandbox.trace.rootfs).toBe(served.digest);
      const { output, code } = await runIn(
        sandbox,
        'cat /etc/os-release; ls /usr/bin; ls -d /usr/share /usr/include 2>/dev/null; for f in /usr/bin/* /usr/lib/*; do sha256sum $f; done; id -un; echo x > ~/mine; cat ~/mine; { echo y > /usr/bin/cat; } 2>/dev/null && echo wrote; { echo y > /etc/os-release; } 2>/dev/null && echo wrote; true',
      );
      expect(code).toBe(0);
      seen.push(output);
    }
    expect(served.asked()).toBe(2);
    expect(seen[0]).toBe(seen[1]);
    expect(seen[0]).toMatch(/^ID=tiny\nbash\ncat\nid\nls\nsha256sum\n[0-9a-f]{64} /);
    expect(seen[0]?.split('\n').slice(-2)).toEqual(['dev', 'x']);
  });

  it('never shows the machine’s files by a link at the top', async () => {
    const outside = mintFolder();
    writeFileSync(join(outside, 'secret'), 'outside');
    const tiny = join(mintFolder(), 'tiny');
    mkdirSync(tiny);
    execFileSync('tar', ['-C', tiny, '-xf', '-'], { input: await tinySystem() });
    execFileSync('ln', ['-s', outside, join(tiny, 'srv')]);
    execFileSync('ln', ['-s', outside, join(tiny, 'etc', 'outside')]);
    execFileSync('ln', ['-s', outside, join(tiny, 'opt')]);
    const bytes = execFileSync('tar', ['-C', tiny, '-cf', '-', '.'], { maxBuffer: 256 * 1024 * 1024 });
    const served = await serve(bytes);
    const folder = await new RootfsStore(join(mintFolder(), 'rootfs')).use(served, () => undefined, never);
    expect(lstatSync(join(folder, 'srv')).isSymbolicLink()).toBe(true);
    expect(readlinkSync(join(folder, 'srv'))).toBe(outside);
    const sandbox = await startSandbox('bubblewrap', mintPlan({ rootfs: { digest: served.digest, folder } }));
    expect((await runIn(sandbox, 'cat /srv/secret /etc/outside/secret /opt/secret 2>/dev/null; echo end')).output).toBe('end');
  });
});

describePrisons(
  'a root file system',
  (prison) => {
    it('is seen by its workspace alone, which can change nothing in it, and brings no way out', async () => {
      const served = await serve(gzipSync(await tinySystem()));
      const parent = mintFolder();
      chmodSync(parent, 0o755);
      const folder = await new RootfsStore(join(parent, 'rootfs')).use(served, () => undefined, never);
      const mallory = await prison().cell({ rootfs: { digest: served.digest, folder } });
      const { output } = await mallory.run('cat /etc/os-release; ls /; cat /etc/passwd');
      expect(output).toMatch(/^ID=tiny\nbin\ndev\netc\nhome\nlib\nlib64\nopt\nproc\nrun\ntmp\nusr\nvar\nroot:x:/);
      expect(
        await mallory.escapes({
          'a tool': 'echo x > /usr/bin/id',
          'another loader': 'echo x > /opt/gatehouse/tools/ld.so',
          'the helper': 'echo x > /opt/gatehouse/helper.mjs',
          'the store': `ls ${folder}`,
          'a file at the top': 'echo x > /x',
        }),
      ).toEqual([]);
      // A terminal of its own works there too.
      expect(await mallory.terminal('id -un; echo end-$((40+2))\n', 'end-42')).toContain('dev');
    });
  },
  'bubblewrap',
);
