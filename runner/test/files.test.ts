import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { lstatSync, mkdirSync, readFileSync, readdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MOST_ENTRIES, itemsOf, type TrashItem } from '@gatehouse/core/protocol/files.ts';
import type { FileEntry } from '@gatehouse/core/protocol/services.ts';
import { extract } from 'tar-stream';
import { describe, expect, it } from 'vitest';
import type { HelperHead } from '../src/channel/helper-client.ts';
import { FILE_WINDOW, type HelperRequest } from '../src/channel/requests.ts';
import { headerOf } from '../src/helper/archive/tar.ts';
import { trashPlace } from '../src/helper/trash/place.ts';
import { sweep } from '../src/helper/trash/trash.ts';
import type { Sandbox } from '../src/sandbox/driver.ts';
import { homeOf } from '../src/sandbox/prepare.ts';
import { mintFolder } from './support/mint.ts';
import { isolationMissing, mintPlan, runIn, startSandbox, writeHome } from './support/sandbox.ts';

const kinds = isolationMissing() === null ? (['bubblewrap', 'process'] as const) : (['process'] as const);
const sha = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest('hex');
const ID = 'upload-of-a-test';

interface Answer {
  head: HelperHead & Record<string, unknown>;
  bytes: Buffer;
  /** most bytes that came before they were taken */
  ahead: number;
}

/** Asks the helper and takes what it answers. @param most stops after so many bytes, as a connection that is cut */
function ask(sandbox: Sandbox, request: HelperRequest, most = Infinity): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    let [got, taken, ahead, head] = [0, 0, 0, { ok: true } as Answer['head']];
    const answer = () => resolve({ head, bytes: Buffer.concat(pieces), ahead });
    const stream = sandbox.helper.open(request, {
      head: (came) => {
        head = came;
        if (!came.ok) answer();
      },
      data: (bytes) => {
        pieces.push(Buffer.from(bytes));
        got += bytes.byteLength;
        ahead = Math.max(ahead, got - taken);
        setImmediate(() => stream.ack((taken = got)));
        if (got < most) return;
        stream.reset();
        answer();
      },
      fin: answer,
      gone: () => reject(new Error('gone')),
    });
  });
}

const call = async (sandbox: Sandbox, request: HelperRequest) => (await ask(sandbox, request)).head;

/** Writes, and is cut before the end where `cut`. @returns the head; null when it was cut */
function write(sandbox: Sandbox, request: Extract<HelperRequest, { method: 'files.write' }>, content: Uint8Array, cut = false) {
  return new Promise<HelperHead | null>((resolve, reject) => {
    const stream = sandbox.helper.open(request, {
      head: resolve,
      ack: (offset) => {
        if (!cut || offset < content.byteLength) return;
        stream.reset();
        resolve(null);
      },
      gone: () => reject(new Error('gone')),
    });
    stream.data(Uint8Array.from(content));
    if (!cut) stream.fin();
  });
}

const itemsIn = <T>(answer: Answer) =>
  answer.bytes
    .toString()
    .split('\n')
    .filter((line) => line !== '')
    .flatMap((line) => itemsOf(line) as T[]);
const trashOf = async (sandbox: Sandbox) => itemsIn<TrashItem>(await ask(sandbox, { method: 'trash.list' }));

async function home(kind: (typeof kinds)[number], files: Record<string, string> = {}) {
  const plan = mintPlan();
  const sandbox = await startSandbox(kind, plan);
  writeHome(plan, files);
  // As the sandbox's user has it.
  const { uid, gid } = lstatSync(homeOf(plan));
  if (process.getuid?.() === 0) execFileSync('chown', ['-R', `${uid}:${gid}`, homeOf(plan)]);
  const run = async (script: string) => (await runIn(sandbox, script)).output;
  return { sandbox, run, at: (path: string) => join(homeOf(plan), path), call: (request: HelperRequest) => call(sandbox, request) };
}

describe.each(kinds)('the files of a %s sandbox', (kind) => {
  it('Q1: are listed to the last, folders first, never further ahead than the window; some of them by name', async () => {
    const { sandbox, run } = await home(kind);
    await run('mkdir -p many/zz; cd many; seq -f "a-rather-long-name-%05g.txt" 12000 | xargs touch');
    const answer = await ask(sandbox, { method: 'files.list', path: 'many' });
    const entries = itemsIn<FileEntry>(answer);
    expect([answer.head, entries.length, entries[0]?.name]).toEqual([{ ok: true, truncated: false }, 12_001, 'zz']);
    expect(JSON.parse(answer.bytes.toString())).toHaveLength(12_001);
    expect(answer.ahead).toBeLessThanOrEqual(FILE_WINDOW + 64 * 1024);
    expect(entries.length).toBeLessThan(MOST_ENTRIES);
    const only = ['zz', 'a-rather-long-name-00007.txt', 'gone', '..', '../many', ''];
    expect(itemsIn<FileEntry>(await ask(sandbox, { method: 'files.list', path: 'many', only })).map(({ name }) => name)).toEqual(
      only.slice(0, 2),
    );
    expect(JSON.parse((await ask(sandbox, { method: 'files.list', path: 'many/zz' })).bytes.toString())).toEqual([]);
  });

  it('Q6: are copied with all that is in them; links stay links, and nothing is copied into itself', async () => {
    const { run, call: does } = await home(kind, { 'app/run.sh': 'x', 'app/deep/file': 'deep' });
    await run('chmod 750 app/run.sh; ln -s /etc/passwd app/link; ln -s deep app/inside; mkfifo app/pipe; mkfifo pipe');
    expect(await does({ method: 'files.copy', from: 'app', to: 'copy' })).toEqual({ ok: true });
    expect(await run('stat -c %a copy/run.sh; readlink copy/link copy/inside; cat copy/deep/file; echo; ls copy')).toBe(
      '750\n/etc/passwd\ndeep\ndeep\ndeep\ninside\nlink\nrun.sh',
    );
    const refused = [
      { from: 'app', to: 'copy', code: 'exists' },
      { from: 'app', to: 'app/deep/app', code: 'invalid' },
      { from: 'app', to: 'copy/../x', code: 'invalid' },
      { from: '', to: 'x', code: 'refused' },
      { from: 'pipe', to: 'y', code: 'not-a-file' },
      { from: 'none', to: 'x', code: 'not-found' },
    ];
    for (const { code, ...way } of refused) expect(await does({ method: 'files.copy', ...way })).toMatchObject({ ok: false, code });
    await run('ln -s app/deep way');
    for (const method of ['files.copy', 'files.rename'] as const)
      expect(await does({ method, from: 'app', to: 'way/app' })).toMatchObject({ ok: false, message: 'A folder can’t go into itself' });
    await run('mkdir l; ln -s l2 l/l1; ln -s l1 l/l2; chmod 500 l');
    expect(await does({ method: 'files.copy', from: 'app/run.sh', to: 'l/l1/x' })).toMatchObject({ ok: false, code: 'invalid' });
    expect(await does({ method: 'files.copy', from: 'app/run.sh', to: 'x'.repeat(300) })).toMatchObject({
      message: 'The name is too long',
    });
  });

  it('move from one disk to another', async () => {
    const { run, call: does } = await home(kind, { 'app/file': 'content' });
    await run('d=$(mktemp -d /dev/shm/gatehouse-XXXXXX 2>/dev/null || mktemp -d); ln -s $d away');
    expect(await does({ method: 'files.rename', from: 'app', to: 'away/app' })).toEqual({ ok: true });
    expect(await run('cat away/app/file; ls; rm -r away/app')).toBe('contentaway');
  });
});

describe.each(kinds)('an upload to a %s sandbox', (kind) => {
  const content = Buffer.from('0123456789'.repeat(50_000));
  const base = { method: 'files.write', path: 'in/big', etag: null, size: content.byteLength, sha256: sha(content) } as const;
  const part = (from: number) => ({ ...base, part: { id: ID, from } });

  it('Q4: goes on at the byte where it was cut, and is whole only at its end', async () => {
    const { sandbox, run, call: does, at } = await home(kind, { 'in/.keep': '' });
    expect(await write(sandbox, part(0), content.subarray(0, 123_456), true)).toBeNull();
    await expect.poll(() => does({ method: 'files.part', id: ID, discard: false })).toEqual({ ok: true, size: 123_456 });
    expect(await run('ls -A in')).toBe('.keep');
    expect(await write(sandbox, part(123_456), content.subarray(123_456))).toMatchObject({ ok: true, entry: { size: 500_000 } });
    expect(sha(readFileSync(at('in/big')))).toBe(base.sha256);
    expect(await run('ls -A .cache/gatehouse/uploads; ls in; stat -c %a in/big')).toBe('big\n644');
    expect(await does({ method: 'files.part', id: ID, discard: false })).toEqual({ ok: true, size: 0 });
    // Its answer was lost with the connection, and it is sent again.
    expect(await write(sandbox, part(0), content)).toMatchObject({ ok: true, entry: { size: 500_000 } });
    expect(await write(sandbox, { ...part(0), sha256: sha('other') }, content)).toMatchObject({ ok: false, code: 'conflict' });
  });

  it('stores nothing that is not what was sent, and goes on with nothing that is not there', async () => {
    const { sandbox, run, call: does } = await home(kind, { 'in/.keep': '', 'in/there': 'old' });
    expect(await write(sandbox, part(7), content.subarray(7))).toMatchObject({ ok: false, code: 'not-found' });
    await write(sandbox, part(0), content.subarray(0, 1000), true);
    await expect.poll(() => does({ method: 'files.part', id: ID, discard: false })).toEqual({ ok: true, size: 1000 });
    expect(await write(sandbox, part(2000), content.subarray(2000))).toMatchObject({ ok: false, code: 'conflict' });
    await run(
      `printf X > .cache/gatehouse/uploads/x; dd if=.cache/gatehouse/uploads/x of=.cache/gatehouse/uploads/${ID} conv=notrunc 2>&1`,
    );
    expect(await write(sandbox, part(1000), content.subarray(1000))).toMatchObject({
      ok: false,
      message: expect.stringContaining('not what was sent') as unknown,
    });
    expect(await run('ls -A in')).toBe('.keep\nthere');
    expect(await does({ method: 'files.part', id: ID, discard: false })).toEqual({ ok: true, size: 0 });
    expect(await write(sandbox, { ...base, path: 'in/there' }, content)).toMatchObject({ ok: false, code: 'conflict' });
    expect(await write(sandbox, { ...base, path: 'none/big' }, content)).toMatchObject({ ok: false, code: 'not-found' });
  });

  it('is forgotten when it is given up, and a link in its place is not followed', async () => {
    const { sandbox, run, call: does } = await home(kind, { 'in/.keep': '', secret: 'secret' });
    await write(sandbox, part(0), content.subarray(0, 10), true);
    expect(await does({ method: 'files.part', id: ID, discard: true })).toEqual({ ok: true, size: 0 });
    await run(`mkdir -p .cache/gatehouse/uploads; ln -s ~/secret .cache/gatehouse/uploads/${ID}`);
    expect(await does({ method: 'files.part', id: ID, discard: false })).toEqual({ ok: true, size: 0 });
    expect(await write(sandbox, part(0), content)).toMatchObject({ ok: false });
    expect(await run('cat secret')).toBe('secret');
    expect(await does({ method: 'files.part', id: '../../secret', discard: true })).toMatchObject({ ok: false });
  });
});

/** What is in a tar. */
function entriesOf(bytes: Buffer): Promise<{ name: string; type: string; content: string; link: string }[]> {
  return new Promise((resolve, reject) => {
    const entries: { name: string; type: string; content: string; link: string }[] = [];
    const reading = extract();
    reading.on('entry', (header, stream, next) => {
      const pieces: Buffer[] = [];
      stream
        .on('data', (piece) => pieces.push(piece as Buffer))
        .on('end', () => {
          entries.push({
            name: header.name,
            type: header.type ?? '',
            content: Buffer.concat(pieces).toString(),
            link: header.linkname ?? '',
          });
          next();
        });
    });
    reading.on('finish', () => resolve(entries)).on('error', reject);
    reading.end(bytes);
  });
}

describe.each(kinds)('a download from a %s sandbox', (kind) => {
  const archive = (paths: string[], more: object = {}) => ({ method: 'files.archive', paths, ...more }) as HelperRequest;

  it('Q2: goes on where it was cut, of the same version only', async () => {
    const { sandbox, at, call: does } = await home(kind, { big: '0123456789'.repeat(50_000) });
    const whole = readFileSync(at('big'));
    const first = await ask(sandbox, { method: 'files.read', path: 'big' }, 100_000);
    const etag = String(first.head['etag']);
    const rest = await ask(sandbox, { method: 'files.read', path: 'big', from: first.bytes.byteLength, etag });
    expect(rest.head).toMatchObject({ from: first.bytes.byteLength, entry: { size: 500_000 } });
    expect(sha(Buffer.concat([first.bytes, rest.bytes]))).toBe(sha(whole));
    expect(await does({ method: 'files.read', path: 'big', from: 500_001, etag })).toMatchObject({ ok: false, code: 'invalid' });
    writeFileSync(at('big'), 'other');
    expect(await does({ method: 'files.read', path: 'big', from: 2, etag })).toMatchObject({ ok: false, code: 'conflict' });
  });

  it('Q3: of folders is one tar, the same byte by byte wherever it goes on', async () => {
    const { sandbox } = await home(kind, { 'app/a.txt': 'a'.repeat(70_000), 'app/sub/b': 'b', 'other/c': 'c', 'app/empty': '' });
    const whole = await ask(sandbox, archive(['app', 'app/sub', 'other/c']));
    expect(whole.head).toMatchObject({ ok: true, from: 0, left: 0, entry: { name: 'files.tar', size: whole.bytes.byteLength } });
    expect((await entriesOf(whole.bytes)).map(({ name, content }) => `${name} ${content.length}`)).toEqual([
      ...['app/ 0', 'app/a.txt 70000', 'app/empty 0', 'app/sub/ 0', 'app/sub/b 1', 'other/c 1'],
    ]);
    expect(whole.ahead).toBeLessThanOrEqual(FILE_WINDOW + 64 * 1024);
    const etag = String(whole.head['etag']);
    for (const from of [1, 511, 512, 1500, 70_000, 72_000, whole.bytes.byteLength - 1, whole.bytes.byteLength]) {
      const rest = await ask(sandbox, archive(['app', 'app/sub', 'other/c'], { from, etag }));
      expect([from, sha(Buffer.concat([whole.bytes.subarray(0, from), rest.bytes]))]).toEqual([from, sha(whole.bytes)]);
    }
    const one = await ask(sandbox, archive(['app/sub']));
    expect([one.head['entry'], (await entriesOf(one.bytes)).map(({ name }) => name)]).toMatchObject([
      { name: 'sub.tar' },
      ['sub/', 'sub/b'],
    ]);
  });

  it('Q3: with hostile names is harmless where it is opened, and leaves out what leads out or can’t be read', async () => {
    const { sandbox, run } = await home(kind, { 'app/file': 'x' });
    const long = `${'d'.repeat(120)}/${'ö'.repeat(90)}`;
    await run(
      `cd app; ln -s /etc/passwd absolute; ln -s ../../.. upwards; ln -s file fine; mkfifo pipe; printf n > $'new\\nline'; printf q > '"quote'; printf s > '..\\..\\back'; printf r > -rf; mkdir -p ${long}; printf l > '${long}/z'`,
    );
    const { head, bytes } = await ask(sandbox, archive(['app']));
    const entries = await entriesOf(bytes);
    expect(head).toMatchObject({ left: 3, entry: { size: bytes.byteLength } });
    expect(
      Object.fromEntries(entries.filter(({ type }) => type !== 'directory').map(({ name, content, link }) => [name, content || link])),
    ).toEqual({
      'app/file': 'x',
      'app/fine': 'file',
      'app/new\nline': 'n',
      'app/"quote': 'q',
      'app/.._.._back': 's',
      'app/-rf': 'r',
      [`app/${long}/z`]: 'l',
    });
    for (const { name } of entries) expect(name).not.toMatch(/(^|\/)\.\.(\/|$)|\\|^\//);
  });

  it('of what changed meanwhile is not gone on with', async () => {
    const { sandbox, at, call: does } = await home(kind, { 'app/file': 'one' });
    const { head } = await ask(sandbox, archive(['app']));
    writeFileSync(at('app/file'), 'two');
    utimesSync(at('app/file'), 1, 1);
    expect(await does(archive(['app'], { from: 512, etag: head['etag'] }))).toMatchObject({ ok: false, code: 'conflict' });
    expect(await does(archive(['none']))).toMatchObject({ ok: false, code: 'not-found' });
    expect(await does(archive(['../..']))).toMatchObject({ ok: false, code: 'invalid' });
  });
});

it('a size beyond eleven octal digits stands in the pax header', () => {
  const header = headerOf({ name: 'huge', kind: 'file', size: 8 ** 11 + 5, mode: 0o644, modified: 1, link: '' });
  expect(header.toString('latin1')).toContain(`size=${8 ** 11 + 5}`);
});

describe.each(kinds)('the trash of a %s sandbox', (kind) => {
  const put = (path: string): HelperRequest => ({ method: 'trash.put', path });
  const restore = (name: string): HelperRequest => ({ method: 'trash.restore', name });

  it('Q5: keeps what was deleted as other programs would, and gives it back with the folders on the way', async () => {
    const { sandbox, run, call: does } = await home(kind, { 'app/ä b.txt': 'one', 'app/sub/x': 'two', 'c.txt': 'c' });
    expect(await does(put('app/ä b.txt'))).toEqual({ ok: true, name: 'ä b.txt' });
    expect(await does(put('app/sub'))).toEqual({ ok: true, name: 'sub' });
    expect(await run('cat ".local/share/Trash/info/ä b.txt.trashinfo"')).toMatch(
      /^\[Trash Info\]\nPath=\/.*\/app\/%C3%A4%20b\.txt\nDeletionDate=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/,
    );
    expect((await trashOf(sandbox)).map(({ name, path, kind: what, size }) => [name, path, what, size]).sort()).toEqual([
      ['sub', 'app/sub', 'directory', 3],
      ['ä b.txt', 'app/ä b.txt', 'file', 3],
    ]);
    await run('rm -r app');
    expect(await does(restore('sub'))).toEqual({ ok: true, path: 'app/sub' });
    expect(await does(restore('ä b.txt'))).toEqual({ ok: true, path: 'app/ä b.txt' });
    expect(await run('cat app/*.txt app/sub/x')).toBe('onetwo');
    expect(await trashOf(sandbox)).toEqual([]);
  });

  it('keeps two of the same name apart, and overwrites nothing when it gives back', async () => {
    const { run, call: does } = await home(kind, { 'a.txt': 'first' });
    await does(put('a.txt'));
    await run('echo -n second > a.txt');
    expect(await does(put('a.txt'))).toEqual({ ok: true, name: 'a.2.txt' });
    await run('echo -n third > a.txt');
    expect(await does(restore('a.txt'))).toMatchObject({ ok: false, code: 'exists', message: 'Something else is at a.txt now' });
    await run('rm a.txt');
    await does(restore('a.2.txt'));
    expect(await run('cat a.txt')).toBe('second');
  });

  it('takes what lies on another disk, links as links, and never itself', async () => {
    const { run, call: does } = await home(kind, { 'c.txt': 'c', outside: 'kept' });
    await run(
      'd=$(mktemp -d /dev/shm/gatehouse-XXXXXX 2>/dev/null || mktemp -d); ln -s $d away; mkdir away/f; echo -n far > away/f/x; ln -s ~/outside link',
    );
    expect(await does(put('away/f'))).toEqual({ ok: true, name: 'f' });
    expect(await run('cat .local/share/Trash/files/f/x; ls away')).toBe('far');
    expect(await does(restore('f'))).toEqual({ ok: true, path: 'away/f' });
    expect(await does(put('link'))).toEqual({ ok: true, name: 'link' });
    expect(await run('cat away/f/x outside; rm -r away/*')).toBe('farkept');
    for (const path of ['.local', '.local/share/Trash', '']) expect(await does(put(path))).toMatchObject({ ok: false, code: 'refused' });
    expect(await does(put('.local/share/Trash/files/link'))).toEqual({ ok: true, name: null });
    expect(await run('ls .local/share/Trash/files; cat outside')).toBe('kept');
  });

  it('lets go for good, one or all', async () => {
    const { sandbox, run, call: does } = await home(kind, { a: 'a', b: 'b', c: 'c' });
    for (const path of ['a', 'b', 'c']) await does(put(path));
    expect(await does({ method: 'trash.delete', name: 'a' })).toEqual({ ok: true });
    expect((await trashOf(sandbox)).map(({ name }) => name).sort()).toEqual(['b', 'c']);
    expect(await does({ method: 'trash.delete', name: 'a' })).toMatchObject({ ok: false, code: 'not-found' });
    expect(await does({ method: 'trash.delete', name: null })).toEqual({ ok: true });
    expect(await run('ls .local/share/Trash/files .local/share/Trash/info | grep -v : | grep .')).toBe('');
  });

  it('believes no info that somebody wrote by hand', async () => {
    const { sandbox, run, call: does } = await home(kind, { a: 'a' });
    await does(put('a'));
    const lies = ['/etc/cron.d/x', '../../x', '', '%', '/', '/home', '~/x'];
    for (const [index, lie] of lies.entries())
      await run(
        `cp .local/share/Trash/files/a .local/share/Trash/files/l${index}; printf '[Trash Info]\\nPath=%s\\nDeletionDate=x\\n' '${lie}' > .local/share/Trash/info/l${index}.trashinfo`,
      );
    for (const index of lies.keys())
      expect([lies[index], await does(restore(`l${index}`))]).toMatchObject([lies[index], { ok: false, code: 'refused' }]);
    expect((await trashOf(sandbox)).filter(({ path }) => path !== null).map(({ name }) => name)).toEqual(['a']);
    for (const name of ['..', '.', 'a/b', '']) {
      expect(await does(restore(name))).toMatchObject({ ok: false });
      expect(await does({ method: 'trash.delete', name })).toMatchObject({ ok: false });
    }
    expect(await run('cat .local/share/Trash/files/a')).toBe('a');
  });
});

describe('what the trash keeps', () => {
  const DAY = 86_400_000;
  const now = Date.parse('2026-06-30T12:00:00');

  /** A trash with these things in it: days since they came, and bytes. */
  function mintTrash(things: Record<string, { days: number; bytes: number; folder?: boolean }>) {
    const root = mintFolder();
    const place = trashPlace(root);
    for (const folder of [place.files, place.info]) mkdirSync(folder, { recursive: true });
    for (const [name, { days, bytes, folder }] of Object.entries(things)) {
      const date = new Date(now - days * DAY).toISOString().slice(0, 19);
      writeFileSync(join(place.info, `${name}.trashinfo`), `[Trash Info]\nPath=${root}/${name}\nDeletionDate=${date}\n`);
      if (folder === true) mkdirSync(join(place.files, name));
      writeFileSync(folder === true ? join(place.files, name, 'x') : join(place.files, name), Buffer.alloc(bytes));
    }
    return { place, names: () => readdirSync(place.files).sort() };
  }

  it('Q5: is thirty days, and what fits: the oldest goes first, what was just put there never', async () => {
    const { place, names } = mintTrash({
      old: { days: 31, bytes: 1 },
      large: { days: 5, bytes: 600, folder: true },
      middle: { days: 3, bytes: 300 },
      new: { days: 1, bytes: 300 },
    });
    await sweep(place, { days: 30, bytes: 1000, items: 10 }, new Set(), now);
    expect(names()).toEqual(['middle', 'new']);
    await sweep(place, { days: 30, bytes: 100, items: 10 }, new Set(['new']), now);
    expect(names()).toEqual(['new']);
    expect(readdirSync(place.info)).toEqual(['new.trashinfo']);
  });

  it('remembers what folders weigh, as other programs do', async () => {
    const { place } = mintTrash({ folder: { days: 1, bytes: 700, folder: true } });
    await sweep(place, { days: 30, bytes: 1000, items: 10 }, new Set(), now);
    const since = Math.floor(lstatSync(join(place.info, 'folder.trashinfo')).mtimeMs / 1000);
    expect(readFileSync(place.sizes, 'utf8')).toBe(`700 ${since} folder\n`);
    writeFileSync(place.sizes, `2000 ${since} folder\n`);
    symlinkSync('/', join(place.files, 'link'));
    await sweep(place, { days: 30, bytes: 1000, items: 10 }, new Set(), now);
    expect(readdirSync(place.files)).toEqual(['link']);
    expect(lstatSync('/etc').isDirectory()).toBe(true);
  });
});
