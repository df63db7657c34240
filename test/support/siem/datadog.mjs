/** Datadog's log intake, version 2: it says 202 also to what it cuts or throws away. */
import { gunzipSync } from 'node:zlib';

const OLDEST_MS = 18 * 60 * 60_000;
const MAX_LOG = 1_000_000;
const error = (status, detail) => ({ status, body: { errors: [{ status: String(status), title: 'Refused', detail }] } });

export const datadog = {
  faults: {
    secret: '',
    maxBytes: 5_000_000,
    maxEntries: 1_000,
    /** a batch with a log that contains this text is bad */
    malformed: null,
    /** how far its clock is from ours */
    clockMs: 0,
  },
  state: () => ({}),
  handle(receiver, { method, path, headers, body }) {
    const { faults, violations } = receiver;
    if (path !== 'api/v2/logs' || method !== 'POST') return error(404, 'Not found');
    if (headers['dd-api-key'] !== faults.secret) return error(403, 'Forbidden');
    if (headers['content-type'] !== 'application/json') return error(415, 'Unsupported media type');
    const text = (headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body).toString();
    if (Buffer.byteLength(text) > faults.maxBytes) return error(413, 'Payload too large');
    let logs;
    try {
      logs = JSON.parse(text);
    } catch {
      return error(400, 'Invalid JSON');
    }
    if (!Array.isArray(logs)) logs = [logs];
    if (logs.length > faults.maxEntries) return error(413, 'Too many logs');
    if (faults.malformed !== null && text.includes(faults.malformed)) return error(400, 'Bad log');
    for (const log of logs) {
      if (Buffer.byteLength(JSON.stringify(log)) > MAX_LOG) violations.push('a log was cut');
      if (log.timestamp !== undefined && Date.now() + faults.clockMs - Date.parse(log.timestamp) > OLDEST_MS)
        violations.push('a log was too old and went nowhere');
      else receiver.events.push(log);
    }
    return { status: 202, body: {} };
  },
};
