/** Microsoft Entra's token endpoint and the Logs Ingestion API, as one receiver. */
import { randomUUID } from 'node:crypto';

const MAX_BYTES = 1_048_576;
const MAX_COLUMN = 64 * 1024;
const RESERVED = ['id', 'TenantId', 'Type'];
const error = (status, code, message = '') => ({ status, body: { error: { code, message } } });

export const sentinel = {
  faults: {
    directoryId: '11111111-1111-1111-1111-111111111111',
    clientId: '22222222-2222-2222-2222-222222222222',
    secret: '',
    ruleId: `dcr-${'a'.repeat(32)}`,
    stream: 'Custom-Gatehouse_CL',
    /** seconds that a token lasts */
    lasts: 3599,
    /** tokens given so far are worth nothing any more */
    revoke: false,
    /** the application has no role on the rule */
    forbidden: false,
    /** a batch with an event that contains this text is malformed */
    malformed: null,
    maxBytes: MAX_BYTES,
  },
  state: () => ({ tokens: {}, issued: 0 }),
  shown: ({ tokens: _, ...shown }) => shown,
  handle(receiver, asked) {
    return asked.path === `${receiver.faults.directoryId}/oauth2/v2.0/token` ? issue(receiver, asked) : ingest(receiver, asked);
  },
};

function issue(receiver, { method, headers, body }) {
  const { faults } = receiver;
  const form = new URLSearchParams(body.toString());
  const said = (status, name) => ({ status, body: { error: name, error_description: 'AADSTS0: the double says so' } });
  if (method !== 'POST' || headers['content-type'] !== 'application/x-www-form-urlencoded') return said(400, 'invalid_request');
  if (form.get('grant_type') !== 'client_credentials') return said(400, 'unsupported_grant_type');
  if (form.get('scope') !== 'https://monitor.azure.com/.default') return said(400, 'invalid_scope');
  if (form.get('client_id') !== faults.clientId) return said(400, 'unauthorized_client');
  if (form.get('client_secret') !== faults.secret) return said(401, 'invalid_client');
  const token = randomUUID();
  receiver.tokens[token] = Date.now() + faults.lasts * 1000;
  receiver.issued++;
  return { status: 200, body: { token_type: 'Bearer', expires_in: faults.lasts, access_token: token } };
}

function ingest(receiver, { method, url, path, headers, body }) {
  const { faults, violations } = receiver;
  if (faults.revoke) {
    receiver.tokens = {};
    faults.revoke = false;
  }
  if (path !== `dataCollectionRules/${faults.ruleId}/streams/${faults.stream}`)
    return error(404, 'NotFound', 'Data collection rule with immutable Id not found');
  if (method !== 'POST' || url.searchParams.get('api-version') !== '2023-01-01') return error(400, 'InvalidApiVersion');
  const [, token] = /^Bearer (\S+)$/.exec(headers.authorization ?? '') ?? [];
  if (!token || !(receiver.tokens[token] > Date.now())) return error(401, 'InvalidAuthenticationToken');
  if (faults.forbidden) return error(403, 'OperationFailed', 'The authentication token provided does not have access');
  if (body.length > faults.maxBytes) return error(413, 'ContentLengthLimitExceeded');
  if (headers['content-type'] !== 'application/json') return error(400, 'InvalidContentType');
  let rows;
  try {
    rows = JSON.parse(body.toString());
  } catch {
    rows = null;
  }
  if (!Array.isArray(rows)) return error(400, 'InvalidPayload');
  if (faults.malformed !== null && body.includes(faults.malformed)) return error(400, 'InvalidRecord');
  for (const row of rows) {
    if (RESERVED.some((name) => name in row)) violations.push('a column has a reserved name');
    if (!row.TimeGenerated) violations.push('a row has no TimeGenerated');
    if (Object.values(row).some((value) => Buffer.byteLength(typeof value === 'string' ? value : JSON.stringify(value)) > MAX_COLUMN))
      violations.push('a column was cut');
    receiver.events.push(row);
  }
  return { status: 204 };
}
