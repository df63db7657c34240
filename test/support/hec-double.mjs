/**
 * A strict double of Splunk's HTTP Event Collector. It answers as Splunk does (codes, bodies, indexing of
 * what stood before a bad event) and refuses whatever Splunk would refuse or silently spoil.
 *
 *   PORT=8088 TOKEN=… npm exec node test/support/hec-double.mjs
 *
 * Each token has events and faults of its own, so that tests don't meet:
 *   POST   /control?token=…   sets faults (below) and makes the token known
 *   GET    /control?token=…   { count, indexed, arrivedAt, requests, violations, faults };
 *                             count of all that was indexed, arrivedAt in milliseconds, beside indexed
 *   DELETE /control?token=…   forgets all about the token
 */
import { createServer } from 'node:http';
import { pathToFileURL } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { listening } from './listening.mjs';

const COLLECTOR = /^\/services\/collector(\/event(\/1\.0)?)?$/;

/** Faults, all off. Counts say how many requests still suffer; -1 is for good. */
const NO_FAULTS = {
  /** 403 code 1 */
  disabled: false,
  /** 503 code 9 */
  busy: 0,
  /** 500 code 8 */
  error: 0,
  /** indexes, then breaks the connection without an answer */
  dropAnswer: 0,
  /** breaks the connection without having looked */
  reset: 0,
  /** answers that instead, so many times: { status, times, headers, body, taken }; `taken`: after it has indexed what came */
  answer: null,
  /** answers only once this is false again */
  hold: false,
  /** milliseconds before each answer */
  delay: 0,
  /** events whose JSON contains this text are malformed (code 6) */
  malformed: null,
  /** bytes a request may have, unpacked */
  maxBytes: 1_000_000,
  /** index names the token may write to; null: any */
  indexes: null,
  /** what is indexed is kept, to be looked at; else only counted */
  keep: true,
  /** the token asks for indexer acknowledgement: a channel is needed */
  acknowledge: false,
};

/** @param {{ port?: number, host?: string, tokens?: string[] }} [options] port 0 takes any free one */
export async function startHecDouble({ port = 0, host = '127.0.0.1', tokens = [] } = {}) {
  /** @type {Map<string, ReturnType<typeof newToken>>} */
  const known = new Map(tokens.map((token) => [token, newToken()]));
  const server = createServer((request, response) => {
    handle(known, request, response).catch((error) => answer(response, 500, { text: `The double broke: ${error}`, code: 8 }));
  });
  return listening(server, { port, host });
}

const newToken = () => ({
  faults: { ...NO_FAULTS },
  /** @type {unknown[]} */
  indexed: [],
  /** @type {number[]} */
  arrivedAt: [],
  count: 0,
  requests: 0,
  acks: 0,
  /** @type {string[]} what Splunk would have refused without any fault being set */
  violations: [],
  /** @type {Array<() => void>} */
  held: [],
});

async function handle(known, request, response) {
  const url = new URL(request.url ?? '/', 'http://double');
  const body = await readAll(request);
  if (url.pathname === '/control') return control(known, request.method, url.searchParams.get('token') ?? '', body, response);
  // As with the real one: says nothing about the token.
  if (url.pathname === '/services/collector/health') return answer(response, 200, { text: 'HEC is healthy', code: 17 });
  if (!COLLECTOR.test(url.pathname)) return answer(response, 404, { text: 'The requested URL was not found on this server.', code: 404 });
  if (request.method !== 'POST') return answer(response, 405, { text: 'Method Not Allowed', code: 405 });

  const authorization = request.headers.authorization;
  if (!authorization) return answer(response, 401, { text: 'Token is required', code: 2 });
  const [, name] = /^Splunk (\S+)$/.exec(authorization) ?? [];
  if (!name) return answer(response, 401, { text: 'Invalid authorization', code: 3 });
  const token = known.get(name);
  if (!token) return answer(response, 403, { text: 'Invalid token', code: 4 });
  token.requests++;
  if (token.faults.hold) await new Promise((resolve) => token.held.push(() => resolve(undefined)));
  if (spend(token.faults, 'reset')) return void request.socket.destroy();
  if (token.faults.delay > 0) await new Promise((resolve) => setTimeout(resolve, token.faults.delay));
  if (token.faults.disabled) return answer(response, 403, { text: 'Token disabled', code: 1 });
  if (spend(token.faults, 'busy')) return answer(response, 503, { text: 'Server is busy', code: 9 });
  if (spend(token.faults, 'error')) return answer(response, 500, { text: 'Internal server error', code: 8 });
  const instead = token.faults.answer;
  const isInstead = instead !== null && spend(instead, 'times');
  if (isInstead && !instead.taken) return answer(response, instead.status, instead.body ?? '', instead.headers);
  const [status, reply] = collect(token, request.headers, body);
  if (isInstead) return answer(response, instead.status, instead.body ?? '', instead.headers);
  if (status === 200 && spend(token.faults, 'dropAnswer')) return void request.socket.destroy();
  return answer(response, status, reply);
}

/** Indexes a request's events. @returns {[number, object]} */
function collect(token, headers, packed) {
  const { faults } = token;
  const refuse = (status, text, code, number, expected = false) => {
    if (!expected) token.violations.push(`${text} (code ${code}) at event ${number ?? '-'}`);
    return [status, { text, code, ...(number === undefined ? {} : { 'invalid-event-number': number }) }];
  };
  if (faults.acknowledge && !headers['x-splunk-request-channel']) return refuse(400, 'Data channel is missing', 10);
  if (headers['x-splunk-request-channel'] && !/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(headers['x-splunk-request-channel']))
    return refuse(400, 'Invalid data channel', 11);
  const encoding = headers['content-encoding'];
  if (encoding && encoding !== 'gzip') return refuse(415, 'Unsupported content encoding', 6);
  let text;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(encoding ? gunzipSync(packed) : packed);
  } catch {
    return refuse(400, 'Invalid data format', 6, 0);
  }
  if (Buffer.byteLength(text) > faults.maxBytes)
    return [413, { text: `Content-Length of ${Buffer.byteLength(text)} too large (maximum is ${faults.maxBytes})`, code: 27 }];
  if (text.trim() === '') return refuse(400, 'No data', 5);

  let number = 0;
  for (const source of objectsIn(text)) {
    if (faults.malformed !== null && source.includes(faults.malformed)) return refuse(400, 'Invalid data format', 6, number, true);
    const fault = faultOf(source, faults);
    if (fault) return refuse(400, fault.text, fault.code, fault.code === 7 ? number + 1 : number, fault.expected);
    token.count++;
    if (faults.keep) {
      token.indexed.push(JSON.parse(source));
      token.arrivedAt.push(Date.now());
    }
    number++;
  }
  return [200, { text: 'Success', code: 0, ...(faults.acknowledge ? { ackId: token.acks++ } : {}) }];
}

const TEXTS = ['host', 'source', 'sourcetype', 'index'];
const KEYS = new Set(['time', 'event', 'fields', ...TEXTS]);

/** What Splunk has against one event; null when it takes it. */
function faultOf(source, { indexes }) {
  const invalid = { text: 'Invalid data format', code: 6 };
  let event;
  try {
    event = JSON.parse(source);
  } catch {
    return invalid;
  }
  if (event === null || typeof event !== 'object' || Array.isArray(event)) return invalid;
  if (Object.keys(event).some((key) => !KEYS.has(key))) return invalid;
  if (!('event' in event)) return { text: 'Event field is required', code: 12 };
  if (event.event === '' || event.event === null) return { text: 'Event field cannot be blank', code: 13 };
  if (TEXTS.some((key) => key in event && (typeof event[key] !== 'string' || event[key] === ''))) return invalid;
  // Seconds since 1970; milliseconds would put the event thousands of years ahead.
  if ('time' in event && (typeof event.time !== 'number' || !(event.time > 0 && event.time < 1e11))) return invalid;
  if ('fields' in event && !isFlat(event.fields)) return { text: 'Error in handling indexed fields', code: 15 };
  if (indexes !== null && !indexes.includes(event.index ?? 'main')) return { text: 'Incorrect index', code: 7, expected: true };
  return null;
}

const isPlain = (value) => ['string', 'number', 'boolean'].includes(typeof value);
const isFlat = (fields) =>
  fields !== null &&
  typeof fields === 'object' &&
  !Array.isArray(fields) &&
  Object.values(fields).every((value) => isPlain(value) || (Array.isArray(value) && value.every(isPlain)));

/** The JSON objects of a text in which they stand one after the other. What is no object comes as it is. */
function* objectsIn(text) {
  let depth = 0;
  let start = 0;
  for (const match of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}]/gs)) {
    if (match[0] === '{') depth++;
    if (match[0] !== '}' || --depth > 0) continue;
    yield text.slice(start, match.index + 1).trim();
    start = match.index + 1;
  }
  const rest = text.slice(start).trim();
  if (rest !== '') yield rest;
}

function spend(faults, name) {
  if (faults[name] === 0) return false;
  if (faults[name] > 0) faults[name]--;
  return true;
}

function control(known, method, name, body, response) {
  if (name === '') return answer(response, 400, { text: 'Say ?token=' });
  if (method === 'DELETE') known.delete(name);
  if (method === 'POST') {
    const token = known.get(name) ?? newToken();
    const faults = body.length === 0 ? {} : JSON.parse(body.toString());
    const unknown = Object.keys(faults).find((key) => !(key in NO_FAULTS));
    if (unknown) return answer(response, 400, { text: `No such fault: ${unknown}` });
    Object.assign(token.faults, faults);
    known.set(name, token);
    if (!token.faults.hold) token.held.splice(0).forEach((release) => release());
  }
  const { count, indexed, arrivedAt, requests, violations, faults } = known.get(name) ?? newToken();
  return answer(response, 200, { count, indexed, arrivedAt, requests, violations, faults });
}

async function readAll(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function answer(response, status, body, headers = {}) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  response.writeHead(status, { 'Content-Type': 'application/json', ...headers }).end(text);
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const token = process.env.TOKEN ?? '00000000-0000-4000-8000-000000000001';
  const { url } = await startHecDouble({ port: Number(process.env.PORT ?? 8088), tokens: [token] });
  process.stdout.write(`HEC double at ${url}/services/collector/event, token ${token}, state at ${url}/control?token=${token}\n`);
}
