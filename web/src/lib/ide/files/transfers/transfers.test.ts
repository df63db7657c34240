import type { FileEntry } from '@gatehouse/core/protocol/services.ts';
import { beforeEach, describe, expect, it } from 'vitest';
import { disconnected, StreamError } from '../../connection/stream-error.ts';
import { DownloadJob } from './download-job.ts';
import { chosenFiles, droppedFiles, MOST_FILES } from './dropped.ts';
import { settle, sortUpload } from './plan-upload.ts';
import type { Read, RemoteTransfers, Taking } from './remote-transfers.ts';
import { KeptSink, MOST_KEPT, type Sink } from './sink.ts';
import { Speed } from './speed.ts';
import { UploadJob } from './upload-job.ts';
import { bytesWords, leftWords } from './words.ts';

const CONTENT = 'the content of a file';

/** The runner's end: keeps parts of uploads, and is cut when the test says so. */
class FarEnd {
  content = CONTENT;
  etag = 'one';
  /** cut behind so many bytes; one for each connection */
  cuts: number[] = [];
  readonly asked: Read[] = [];
  readonly parts = new Map<string, string>();
  readonly stored = new Map<string, string>();
  readonly begun: number[] = [];
  fails: StreamError | null = null;

  async read(request: Read, taking: Taking): Promise<void> {
    this.asked.push(request);
    const from = request.from ?? 0;
    if (request.etag !== undefined && request.etag !== this.etag) throw new StreamError('conflict', 'changed');
    const entry = { name: 'f', kind: 'file' as const, size: this.content.length, modified: 0 };
    taking.head({ ok: true, entry, etag: this.etag, binary: false, from, left: 0 });
    const cut = this.cuts.shift();
    await taking.data(new TextEncoder().encode(this.content.slice(from, cut)));
    if (cut !== undefined) throw disconnected();
  }

  part(id: string, discard = false): Promise<number> {
    if (discard) this.parts.delete(id);
    return Promise.resolve(this.parts.get(id)?.length ?? 0);
  }

  async write(
    request: { path: string; part: { id: string; from: number } },
    content: Blob,
    progress: (bytes: number) => void,
  ): Promise<void> {
    const { id, from } = request.part;
    this.begun.push(from);
    if (this.fails !== null) throw this.fails;
    const cut = this.cuts.shift();
    const whole = (this.parts.get(id) ?? '').slice(0, from) + (await content.text()).slice(from, cut);
    this.parts.set(id, whole);
    progress(whole.length);
    if (cut !== undefined) throw disconnected();
    this.parts.delete(id);
    this.stored.set(request.path, whole);
  }

  get remote(): RemoteTransfers {
    return this as unknown as RemoteTransfers;
  }
}

class Kept implements Sink {
  text = '';
  state = 'open';
  write(bytes: Uint8Array): Promise<void> {
    this.text += new TextDecoder().decode(bytes);
    return Promise.resolve();
  }
  reset(): Promise<void> {
    this.text = '';
    return Promise.resolve();
  }
  finish(): Promise<void> {
    this.state = 'finished';
    return Promise.resolve();
  }
  abandon(): Promise<void> {
    this.state = 'abandoned';
    return Promise.resolve();
  }
}

let far: FarEnd;
let waits: number;
const ports = {
  now: () => 0,
  connection: () => {
    waits += 1;
    return Promise.resolve();
  },
};
beforeEach(() => {
  far = new FarEnd();
  waits = 0;
});

describe('a download', () => {
  const job = (sink: Sink) => new DownloadJob(ports, far.remote, { method: 'files.read', path: 'f' }, sink, 'f');

  it('goes on behind the last byte, however often it is cut', async () => {
    far.cuts = [3, 10];
    const sink = new Kept();
    const download = job(sink);
    await download.run();
    expect([download.state, sink.text, sink.state, waits]).toEqual(['done', CONTENT, 'finished', 2]);
    expect(far.asked.map(({ from, etag }) => [from, etag])).toEqual([
      [undefined, undefined],
      [3, 'one'],
      [10, 'one'],
    ]);
  });

  it('begins anew when it changed meanwhile, and gives up when it changes again and again', async () => {
    far.cuts = [3];
    const sink = new Kept();
    const download = job(sink);
    const changing = {
      ...ports,
      connection: () => Promise.resolve(void (far.etag = 'two')).then(() => void (far.content = 'other content')),
    };
    const changed = new DownloadJob(changing, far.remote, { method: 'files.read', path: 'f' }, sink, 'f');
    await changed.run();
    expect([changed.state, sink.text]).toEqual(['done', 'other content']);
    // It ends early each time.
    far.read = (_request, taking) => {
      taking.head({ ok: true, entry: { name: 'f', kind: 'file', size: 9, modified: 0 }, etag: 'x', binary: false, from: 0, left: 0 });
      return Promise.resolve();
    };
    await download.run();
    expect([download.state, download.problem, sink.state]).toEqual(['failed', 'It changes again and again while it is read', 'abandoned']);
  });

  it('of a runner that begins at the first byte whatever is asked is whole all the same', async () => {
    far.cuts = [4];
    const honest = far.read.bind(far);
    far.read = (request, taking) =>
      honest({ method: 'files.read', path: 'f', ...(request.etag === undefined ? {} : { etag: request.etag }) }, taking);
    const sink = new Kept();
    await job(sink).run();
    expect(sink.text).toBe(CONTENT);
  });

  it('that is cancelled leaves nothing', async () => {
    const sink = new Kept();
    const download = job(sink);
    far.read = () => {
      download.cancel();
      return Promise.reject(new StreamError('cancelled', ''));
    };
    await download.run();
    expect([download.state, download.problem, sink.state]).toEqual(['cancelled', null, 'abandoned']);
  });

  it('that a browser can’t keep says so', async () => {
    const sink = new KeptSink('f');
    const large = { byteLength: MOST_KEPT + 1 } as Uint8Array;
    await expect(sink.write(large)).rejects.toThrow('512 MB');
  });
});

describe('an upload', () => {
  const made: string[] = [];
  const all = {
    ...ports,
    makeId: () => 'an-id-of-it',
    makeFolder: (path: string) => {
      made.push(path);
      return path === 'old' ? Promise.reject(new StreamError('exists', 'there')) : Promise.resolve();
    },
    arrived: () => undefined,
  };
  const file = (name: string, text = CONTENT) => new File([text], name);
  const job = (...names: string[]) =>
    new UploadJob(all, far.remote, {
      title: 't',
      folders: ['old', 'new'],
      files: names.map((name) => ({ path: name, file: file(name), etag: null })),
    });

  it('goes on at the byte that arrived, into folders that are there or made', async () => {
    far.cuts = [5, 12];
    const upload = job('a');
    await upload.run();
    expect([upload.state, far.stored.get('a'), far.begun, made]).toEqual(['done', CONTENT, [0, 5, 12], ['old', 'new']]);
    expect([upload.moved, upload.total]).toEqual([CONTENT.length, CONTENT.length]);
  });

  it('goes on with the others when one fails, says which, and tries that alone again', async () => {
    const upload = job('a', 'b', 'c');
    const honest = far.write.bind(far);
    far.write = (request, content, progress) =>
      request.path === 'b' ? Promise.reject(new StreamError('limit', 'The disk is full')) : honest(request, content, progress);
    await upload.run();
    expect([upload.state, upload.problem, [...far.stored.keys()].sort()]).toEqual([
      'failed',
      '“b” is not there: The disk is full',
      ['a', 'c'],
    ]);
    far.write = honest;
    far.begun.length = 0;
    upload.again();
    await upload.run();
    expect([upload.state, far.begun, upload.detail]).toEqual(['done', [0], '3 of 3 files']);
  });

  it('sends the sum of the whole content', async () => {
    const sums: unknown[] = [];
    far.write = (request) => Promise.resolve(void sums.push((request as unknown as { sha256: string }).sha256));
    await job('a').run();
    expect(sums).toEqual(['54f51b6731478815b9635a612ff24ac05d50ad3064761cab0cec3930079b7722']);
  });

  it('says how much was looked through before anything moves', async () => {
    const upload = job('a');
    const seen: unknown[] = [];
    far.write = () => Promise.resolve(void seen.push(upload.checked, upload.moved));
    await upload.run();
    expect([seen, upload.checked]).toEqual([[CONTENT.length, 0], null]);
  });
});

describe('what is uploaded', () => {
  const entry = (name: string, kind: FileEntry['kind'] = 'file'): FileEntry => ({ name, kind, size: 1, modified: 0 });
  const file = (path: string) => ({ path, file: new File(['x'], path) });

  it('is looked at only where something may be, and settled for all at once', async () => {
    const disk: Record<string, FileEntry[]> = {
      to: [entry('a.txt'), entry('dir', 'directory'), entry('b', 'directory')],
      'to/dir': [entry('x')],
    };
    const listed: string[] = [];
    const target = {
      list: (path: string) => {
        listed.push(path);
        return Promise.resolve(disk[path] ?? []);
      },
    };
    const dropped = { files: ['a.txt', 'b', 'dir/x', 'dir/y', 'fresh/deep/z'].map(file), folders: ['dir', 'fresh', 'fresh/deep'] };
    const sorted = await sortUpload(dropped, 'to', target);
    expect(listed).toEqual(['to', 'to/dir']);
    expect([sorted.folders, sorted.blocked]).toEqual([['to/fresh', 'to/fresh/deep'], ['to/b']]);
    const paths = (how: 'replace' | 'both' | 'skip') => settle(sorted, how).map(({ path, etag }) => `${path} ${etag}`);
    expect(paths('skip')).toEqual(['to/dir/y null', 'to/fresh/deep/z null']);
    expect(paths('replace').slice(2)).toEqual(['to/a.txt *', 'to/dir/x *']);
    expect(paths('both').slice(2)).toEqual(['to/a 2.txt null', 'to/dir/x 2 null']);
  });

  it('knows the folders that chosen files lie in, and how much is too much', async () => {
    const chosen = (path: string) => Object.defineProperty(new File(['x'], 'n'), 'webkitRelativePath', { value: path });
    expect(chosenFiles([chosen('site/css/a.css'), chosen('site/b')]).folders).toEqual(['site', 'site/css']);
    expect(() => chosenFiles(new Array<File>(MOST_FILES + 1).fill(new File([], 'x')))).toThrow('20,000');
    expect((await droppedFiles({ entries: [null], files: [new File(['x'], 'plain')] })).files.map(({ path }) => path)).toEqual(['plain']);
  });
});

describe('what is said of it', () => {
  it('is short', () => {
    expect([0, 999, 1000, 1536, 5_000_000, 3e9].map(bytesWords)).toEqual(['0 bytes', '999 bytes', '1.0 kB', '1.5 kB', '4.8 MB', '2.8 GB']);
    expect([0.2, 5, 100, 7200].map(leftWords)).toEqual(['almost there', '5 s left', '2 min left', '2 h left']);
  });

  it('tells the speed of the last seconds', () => {
    const speed = new Speed();
    expect([speed.note(0, 0), speed.note(1000, 100), speed.note(1000, 1000)]).toEqual([null, null, 1000]);
    speed.forget();
    expect(speed.note(2000, 2000)).toBeNull();
  });
});
