import { AwsV4Signer } from 'aws4fetch';
import type { DestinationConfig } from '@gatehouse/core/api/audit.ts';
import { hex, sha256 } from './hash.ts';
import { judgeStatus, type Answer, type Outcome, type OutgoingEvent, type OutgoingRequest, type Target } from './send.ts';

type S3Config = Extract<DestinationConfig, { type: 's3' }>;

const encoder = new TextEncoder();
const padded = (seq: number | undefined) => String(seq ?? 0).padStart(12, '0');

/**
 * A bucket of S3 or of whatever speaks its language. Each batch is an object named after its content, created and never
 * overwritten: a repetition finds it there.
 */
export function s3Target(config: S3Config, secretAccessKey: string, now: () => Date): Target {
  // Not every service knows conditional writes; under the same name lies the same content anyway.
  let createOnly = true;
  return {
    limits: { events: 1_000, bytes: 8_000_000 },
    encode: ({ body }) => `${body}\n`,
    frame: { open: '', between: '', close: '' },
    request: async (text, events) => {
      const url = `${config.url.replace(/\/+$/, '')}/${config.bucket}/${keyOf(config.prefix, events, text)}`;
      const body = await gzipped(text);
      const headers = { 'Content-Type': 'application/gzip', ...(createOnly ? { 'If-None-Match': '*' } : {}) };
      return signed({ method: 'PUT', url, headers, body }, config, secretAccessKey, now());
    },
    judge: (answer, events) => judge(answer, events.length),
    putRight: async ({ status }) => {
      const again = status === 501 && createOnly;
      if (again) createOnly = false;
      return again;
    },
  };
}

/** `prefix/yyyy/mm/dd/first-last-hash.ndjson.gz`, by the day (UTC) on which the first event was recorded. */
function keyOf(prefix: string, events: readonly OutgoingEvent[], text: string): string {
  const [first, last] = [events[0]?.event, events.at(-1)?.event];
  const day = (first?.recordedAt ?? '').slice(0, 10).replaceAll('-', '/');
  const content = hex(sha256(encoder.encode(text))).slice(0, 16);
  const name = `${day}/${padded(first?.seq)}-${padded(last?.seq)}-${content}.ndjson.gz`;
  return prefix === '' ? name : `${prefix.replace(/\/+$/, '')}/${name}`;
}

const gzipped = async (text: string): Promise<Uint8Array> =>
  new Uint8Array(await new Response(new Blob([text]).stream().pipeThrough(new CompressionStream('gzip'))).arrayBuffer());

async function signed(request: OutgoingRequest, config: S3Config, secretAccessKey: string, at: Date): Promise<OutgoingRequest> {
  const digest = hex(sha256(typeof request.body === 'string' ? encoder.encode(request.body) : request.body));
  return { ...request, headers: await signS3(request, digest, { ...config, secretAccessKey }, at) };
}

/** Who asks a bucket, and in which region it is. */
export interface S3Identity {
  region: string;
  accessKeyId: string;
  secretAccessKey: string;
}

/** The headers of a request with its signature (SigV4). @param digest of the body, SHA-256 in hex */
export async function signS3(
  request: { method: string; url: string; headers: Record<string, string> },
  digest: string,
  identity: S3Identity,
  at: Date,
): Promise<Record<string, string>> {
  const signer = new AwsV4Signer({
    method: request.method,
    url: request.url,
    headers: { ...request.headers, 'X-Amz-Content-Sha256': digest },
    accessKeyId: identity.accessKeyId,
    secretAccessKey: identity.secretAccessKey,
    service: 's3',
    region: identity.region,
    datetime: at.toISOString().replaceAll(/[:-]|\.\d{3}/g, ''),
  });
  const { headers } = await signer.sign();
  return Object.fromEntries(headers.entries());
}

/** What the bucket says is wrong, from its answer's XML. */
export const codeIn = (text: string): string | null => /<Code>([A-Za-z0-9]{1,80})<\/Code>/.exec(text)?.[1] ?? null;

function judge(answer: Answer, count: number): Outcome {
  const { status, retryAfter } = answer;
  const code = codeIn(answer.text);
  const message = `The bucket answered ${status}${code === null ? '' : `: ${code}`}`;
  if (status === 200 || status === 201 || status === 204) return { kind: 'delivered', count, status, message };
  // The object is there: its name says that it is this very content.
  if (status === 412) return { kind: 'delivered', count, status, message };
  // Somebody writes the same object at this moment.
  if (status === 409) return { kind: 'retry', status, message, afterSeconds: retryAfter };
  // It does not look into the object, so no event is at fault.
  if (status === 400) return { kind: 'hold', status, message };
  return judgeStatus('The bucket', answer, code);
}
