import { describe, expect, it } from 'vitest';
import { Upload } from './upload.ts';

/** A file of which each slice is read when the test says so. */
class SlowFile {
  readonly size: number;
  readonly asked: [number, number][] = [];
  #read: (() => void)[] = [];
  failing = false;

  constructor(size: number) {
    this.size = size;
  }
  slice(from: number, to: number): { arrayBuffer(): Promise<ArrayBuffer> } {
    this.asked.push([from, to]);
    const bytes = new Uint8Array(Math.min(to, this.size) - from).fill(from / (256 * 1024));
    return {
      arrayBuffer: () =>
        new Promise((resolve, reject) => this.#read.push(() => (this.failing ? reject(new Error('gone')) : resolve(bytes.buffer)))),
    };
  }
  async read(): Promise<void> {
    this.#read.shift()?.();
    await Promise.resolve();
    await Promise.resolve();
  }
}

const upload = (file: SlowFile, events: string[] = []) =>
  new Upload(
    file as unknown as Blob,
    () => events.push('more'),
    () => events.push('failed'),
  );

describe('a file on its way', () => {
  it('is read slice by slice, the next only when the last was sent', async () => {
    const file = new SlowFile(256 * 1024 + 10);
    const events: string[] = [];
    const source = upload(file, events);
    expect([source.next(100), source.next(100)]).toEqual([null, null]);
    expect(file.asked).toEqual([[0, 256 * 1024]]);
    await file.read();
    expect(events).toEqual(['more']);
    expect(source.next(100)).toMatchObject({ type: 'data', offset: 0 });
    expect(source.next(1e9)).toMatchObject({ type: 'data', offset: 100 });
    expect(file.asked).toHaveLength(1);
    expect(source.next(1e9)).toBeNull();
    await file.read();
    expect(source.next(1e9)?.payload).toEqual(new Uint8Array(10).fill(1));
    expect([source.next(0), source.next(0)]).toEqual([{ type: 'fin' }, null]);
  });

  it('that can’t be read any more says so', async () => {
    const file = new SlowFile(10);
    file.failing = true;
    const events: string[] = [];
    upload(file, events).next(100);
    await file.read();
    expect(events).toEqual(['failed']);
  });

  it('in memory is sent at once, where there is room', () => {
    const source = new Upload(
      new Uint8Array(5),
      () => undefined,
      () => undefined,
    );
    expect([source.size, source.pending]).toEqual([5, 5]);
    expect(source.next(0)).toBeNull();
    expect(source.next(3)).toMatchObject({ offset: 0, payload: new Uint8Array(3) });
    expect(source.next(3)).toMatchObject({ offset: 3, payload: new Uint8Array(2) });
    expect(source.next(3)).toEqual({ type: 'fin' });
  });
});
