/** A bucket of S3 that checks signatures (SigV4) and conditional writes. */
import { createHash, createHmac } from 'node:crypto';
import { gunzipSync } from 'node:zlib';

const SKEW_MS = 15 * 60_000;
const xml = (status, code) => ({
  status,
  headers: { 'Content-Type': 'application/xml' },
  body: `<?xml version="1.0"?><Error><Code>${code}</Code></Error>`,
});
const sha256 = (data) => createHash('sha256').update(data).digest('hex');
/** What stands in buckets beside the trail: contents by path. */
const blobs = new WeakMap();
const hmac = (key, data) => createHmac('sha256', key).update(data).digest();

export const s3 = {
  faults: {
    accessKeyId: 'AKIATEST',
    secret: '',
    region: 'eu-central-1',
    /** how far its clock is from ours */
    clockMs: 0,
    /** like services that don't know If-None-Match */
    unconditional: false,
    /** the key may not write */
    denied: false,
  },
  state: () => ({ objects: {} }),
  handle(receiver, { method, url, path, headers, body }) {
    const { faults, objects, violations } = receiver;
    const refused = signatureFault(faults, method, url, headers, body);
    if (refused) return refused;
    if (faults.denied) return xml(403, 'AccessDenied');
    if (!path.endsWith('.ndjson.gz')) return blob(receiver, method, path, body);
    if (method !== 'PUT') return xml(405, 'MethodNotAllowed');
    if (headers['if-none-match'] !== undefined && faults.unconditional) return xml(501, 'NotImplemented');
    if (objects[path] !== undefined && headers['if-none-match'] === '*') return xml(412, 'PreconditionFailed');
    const digest = sha256(body);
    if (objects[path] !== undefined && objects[path] !== digest) violations.push(`${path} was overwritten with something else`);
    if (objects[path] === undefined) receiver.events.push(...linesOf(path, body, violations));
    objects[path] = digest;
    return { status: 200, headers: { ETag: `"${digest.slice(0, 32)}"` } };
  },
};

/** An object that is no part of the trail: stored, read and removed as it is. */
function blob(receiver, method, path, body) {
  const kept = blobs.get(receiver) ?? new Map();
  blobs.set(receiver, kept);
  if (method === 'PUT') {
    kept.set(path, body);
    receiver.objects[path] = sha256(body);
    return { status: 200, headers: { ETag: `"${sha256(body).slice(0, 32)}"` } };
  }
  if (method === 'DELETE') {
    kept.delete(path);
    receiver.objects = Object.fromEntries(Object.entries(receiver.objects).filter(([key]) => key !== path));
    return { status: 204 };
  }
  if (method !== 'GET') return xml(405, 'MethodNotAllowed');
  const content = kept.get(path);
  return content === undefined
    ? xml(404, 'NoSuchKey')
    : { status: 200, headers: { 'Content-Type': 'application/octet-stream' }, body: content };
}

function linesOf(path, body, violations) {
  const name = /(\d{4}\/\d\d\/\d\d)\/(\d{12})-(\d{12})-[0-9a-f]{16}\.ndjson\.gz$/.exec(path);
  if (!name) violations.push(`${path} is no name of ours`);
  const text = gunzipSync(body).toString();
  if (!text.endsWith('\n')) violations.push(`${path} does not end with a line end`);
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

/** What AWS has against a request's signature; null when it is good. */
function signatureFault(faults, method, url, headers, body) {
  const [, keyId, scope, signedHeaders, signature] =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\S+), SignedHeaders=(\S+), Signature=([0-9a-f]{64})$/.exec(headers.authorization ?? '') ?? [];
  if (!keyId) return xml(403, 'AccessDenied');
  if (keyId !== faults.accessKeyId) return xml(403, 'InvalidAccessKeyId');
  const [date, region, service, end] = scope.split('/');
  if (region !== faults.region || service !== 's3' || end !== 'aws4_request') return xml(400, 'AuthorizationHeaderMalformed');
  const stamp = headers['x-amz-date'] ?? '';
  const at = Date.parse(stamp.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
  if (!(Math.abs(Date.now() + faults.clockMs - at) < SKEW_MS)) return xml(403, 'RequestTimeTooSkewed');
  if (headers['x-amz-content-sha256'] !== sha256(body)) return xml(400, 'XAmzContentSHA256Mismatch');
  const names = signedHeaders.split(';');
  const must = ['host', ...Object.keys(headers).filter((name) => name.startsWith('x-amz-') || name === 'if-none-match')];
  if (must.some((name) => !names.includes(name))) return xml(403, 'AccessDenied');
  const canonical = [
    method,
    url.pathname,
    url.search.slice(1),
    ...names.map((name) => `${name}:${String(headers[name]).trim().replaceAll(/\s+/g, ' ')}`),
    '',
    signedHeaders,
    headers['x-amz-content-sha256'],
  ].join('\n');
  const key = [date, region, service, end].reduce((secret, part) => hmac(secret, part), `AWS4${faults.secret}`);
  const expected = hmac(key, ['AWS4-HMAC-SHA256', stamp, scope, sha256(canonical)].join('\n')).toString('hex');
  return expected === signature ? null : xml(403, 'SignatureDoesNotMatch');
}
