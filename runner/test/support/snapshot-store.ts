import { RemoteRefused, type Remote } from '../../src/snapshot/remote.ts';

/** The service as snapshots see it, in memory. `fail` may throw before a call is answered. */
export class SnapshotStore implements Remote {
  readonly chunks = new Map<string, Buffer>();
  readonly manifests = new Map<string, Buffer>();
  readonly begun: string[] = [];
  readonly ended: { id: string; facts: Parameters<Remote['end']>[1] }[] = [];
  readonly calls: string[] = [];
  /** sealed bytes of chunks that came */
  received = 0;
  fail: (call: string) => void = () => undefined;

  #called(call: string): void {
    this.calls.push(call);
    this.fail(call);
  }

  async begin(id: string): Promise<void> {
    this.#called('begin');
    this.begun.push(id);
  }

  async claim(_id: string, chunks: readonly string[]): Promise<string[]> {
    this.#called('claim');
    return chunks.filter((chunk) => !this.chunks.has(chunk));
  }

  async putChunk(_id: string, chunk: string, sealed: Buffer): Promise<void> {
    this.#called('chunk');
    this.received += sealed.byteLength;
    this.chunks.set(chunk, sealed);
  }

  async putManifest(id: string, sealed: Buffer): Promise<void> {
    this.#called('manifest');
    this.manifests.set(id, sealed);
  }

  async end(id: string, facts: Parameters<Remote['end']>[1]): Promise<void> {
    this.#called('end');
    this.ended.push({ id, facts });
  }

  async manifest(id: string): Promise<Buffer> {
    this.#called('read manifest');
    return found(this.manifests.get(id));
  }

  async chunk(_id: string, chunk: string): Promise<Buffer> {
    this.#called('read chunk');
    return found(this.chunks.get(chunk));
  }
}

function found(bytes: Buffer | undefined): Buffer {
  if (bytes === undefined) throw new RemoteRefused(404, 'There is no such chunk');
  return bytes;
}
