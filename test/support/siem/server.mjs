/**
 * Strict doubles of SIEMs beside Splunk's: each answers as the real one does, enforces its limits, and notes as a violation
 * whatever the real one would spoil without a word.
 *
 *   PORT=8090 node test/support/siem/server.mjs
 *
 * Each has many receivers, told apart by a name of the test's own, at /<kind>/<name>/…
 *   POST /control/<kind>/<name>   sets faults (the kind's file names them) and what it knows; makes the receiver
 *   GET  /control/<kind>/<name>   { events, requests, violations, … }
 */
import { createServer } from 'node:http';
import { pathToFileURL } from 'node:url';
import { datadog } from './datadog.mjs';
import { elastic } from './elastic.mjs';
import { s3 } from './s3.mjs';
import { sentinel } from './sentinel.mjs';
import { listening } from '../listening.mjs';

const KINDS = { datadog, elastic, s3, sentinel };

/** What every kind understands. Counts say how many requests still suffer; -1 is for good. */
const COMMON = {
  /** answers that instead, so many times: { status, times, headers, body, taken }; `taken`: after it has taken what came */
  answer: null,
  /** breaks the connection without having looked */
  reset: 0,
  /** takes the events, then breaks the connection without an answer */
  dropAnswer: 0,
  /** answers only once this is false again */
  hold: false,
};

/** @param {{ port?: number, host?: string }} [options] port 0 takes any free one */
export async function startSiemDoubles({ port = 0, host = '127.0.0.1' } = {}) {
  /** @type {Map<string, any>} */
  const receivers = new Map();
  const server = createServer((request, response) => {
    handle(receivers, request, response).catch((error) =>
      answer(response, { status: 500, body: { broken: String(error?.stack ?? error) } }),
    );
  });
  return listening(server, { port, host });
}

async function handle(receivers, request, response) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  const url = new URL(request.url ?? '/', `http://${request.headers.host}`);
  const [, first, ...rest] = url.pathname.split('/');
  if (first === 'control') return control(receivers, request.method, rest, body, response);
  const [name, ...path] = rest;
  const receiver = receivers.get(`${first}/${name}`);
  if (!receiver) return answer(response, { status: 404, body: { nobody: url.pathname } });
  const { faults } = receiver;
  receiver.requests++;
  if (faults.hold) await new Promise((resolve) => receiver.held.push(() => resolve(undefined)));
  if (spend(faults, 'reset')) return void request.socket.destroy();
  const asked = { method: request.method, url, path: path.join('/'), headers: request.headers, body };
  if (faults.answer && faults.answer.times !== 0 && (faults.answer.path ?? '') === (path.includes('token') ? 'token' : '')) {
    spend(faults.answer, 'times');
    if (faults.answer.taken) KINDS[first].handle(receiver, asked);
    return answer(response, faults.answer);
  }
  const said = KINDS[first].handle(receiver, asked);
  if (said.status < 300 && spend(faults, 'dropAnswer')) return void request.socket.destroy();
  return answer(response, said);
}

/** Whether a request suffers from that fault, which is one less to suffer. */
function spend(faults, name) {
  if (faults[name] === 0) return false;
  if (faults[name] > 0) faults[name]--;
  return true;
}

function control(receivers, method, [kind, name], body, response) {
  const known = KINDS[kind];
  if (!known) return answer(response, { status: 404, body: { text: `No such kind: ${kind}` } });
  const key = `${kind}/${name}`;
  const made = () => ({ faults: { ...COMMON, ...known.faults }, events: [], requests: 0, violations: [], held: [], ...known.state() });
  const receiver = receivers.get(key) ?? made();
  receivers.set(key, receiver);
  if (method === 'POST') {
    const faults = JSON.parse(body.toString() || '{}');
    const unknown = Object.keys(faults).find((each) => !(each in receiver.faults));
    if (unknown) return answer(response, { status: 400, body: { text: `No such fault: ${unknown}` } });
    Object.assign(receiver.faults, faults);
    if (!receiver.faults.hold) receiver.held.splice(0).forEach((release) => release());
  }
  const { held: _held, ...shown } = receiver;
  return answer(response, { status: 200, body: known.shown?.(shown) ?? shown });
}

function answer(response, { status, headers = {}, body = '' }) {
  const text = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  response.writeHead(status, { 'Content-Type': typeof body === 'string' ? 'text/plain' : 'application/json', ...headers }).end(text);
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { url } = await startSiemDoubles({ port: Number(process.env.PORT ?? 8090) });
  process.stdout.write(`SIEM doubles at ${url}/{${Object.keys(KINDS).join(',')}}/<name>, state at ${url}/control/<kind>/<name>\n`);
}
