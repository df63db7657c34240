import { createHash } from 'node:crypto';
import type { SnapshotBucket } from '@gatehouse/core/api/snapshots.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { refusalOf } from '../audit/destination-url.ts';
import { codeIn, signS3 } from '../audit/s3.ts';
import type { Settings } from '../platform/env.ts';

/** Where objects of snapshots lie. Objects are sealed, and never written over with something else. */
export interface ObjectStore {
  /** Idempotent. */
  put(key: string, bytes: Uint8Array): Promise<void>;
  /** Null: there is none. It is not read before its reader takes it. */
  get(key: string): Promise<ReadableStream<Uint8Array> | null>;
  /** Also of what is not there. */
  remove(keys: readonly string[]): Promise<void>;
}

export const serviceStore = (bucket: R2Bucket): ObjectStore => ({
  put: async (key, bytes) => void (await bucket.put(key, bytes)),
  get: async (key) => (await bucket.get(key))?.body ?? null,
  remove: (keys) => bucket.delete([...keys]),
});

const ANSWER_WITHIN_MS = 30_000;
const MOST_ANSWER = 4096;
const EMPTY = createHash('sha256').digest('hex');

/**
 * A bucket of the organisation's. Its secret stays here: a runner only ever asks us.
 * @throws AppError `unavailable` for what passes, `not-ready` when somebody has to change something
 */
export function bucketStore(
  settings: Settings,
  { url, region, bucket, prefix, accessKeyId }: SnapshotBucket,
  secretAccessKey: string,
  now: () => Date,
): ObjectStore {
  const ask = async (method: 'GET' | 'PUT' | 'DELETE', key: string, body: Uint8Array | null): Promise<Response> => {
    const refusal = refusalOf(url, settings);
    if (refusal !== null) throw new AppError('not-ready', `The address of the bucket ${refusal}`);
    const path = [bucket, ...(prefix === '' ? [] : [prefix]), key].join('/');
    const request = { method, url: `${url.replace(/\/+$/, '')}/${path}`, headers: {} };
    const digest = body === null ? EMPTY : createHash('sha256').update(body).digest('hex');
    const headers = await signS3(request, digest, { region, accessKeyId, secretAccessKey }, now());
    const signal = AbortSignal.timeout(ANSWER_WITHIN_MS);
    // Redirects could lead where the address itself may not.
    return fetch(request.url, { method, headers, body, redirect: 'manual', signal }).catch((cause: unknown) => {
      throw new AppError('unavailable', 'The bucket does not answer', { cause });
    });
  };
  return {
    put: async (key, bytes) => {
      const answer = await ask('PUT', key, bytes);
      if (!answer.ok) throw await complaint(answer);
      await answer.body?.cancel();
    },
    get: async (key) => {
      const answer = await ask('GET', key, null);
      if (answer.ok) return answer.body;
      const error = await complaint(answer);
      if (answer.status === 404 && error.message.includes('NoSuchKey')) return null;
      throw error;
    },
    remove: async (keys) => {
      for (const key of keys) {
        const answer = await ask('DELETE', key, null);
        if (!answer.ok && answer.status !== 404) throw await complaint(answer);
        await answer.body?.cancel();
      }
    },
  };
}

async function complaint(answer: Response): Promise<AppError> {
  let text = '';
  for await (const piece of answer.body ?? []) {
    text += new TextDecoder().decode(piece);
    if (text.length > MOST_ANSWER) break;
  }
  const code = codeIn(text);
  const message = `The bucket answered ${answer.status}${code === null ? '' : `: ${code}`}`;
  const passes = answer.status === 408 || answer.status === 429 || answer.status >= 500;
  return new AppError(passes ? 'unavailable' : 'not-ready', message);
}
