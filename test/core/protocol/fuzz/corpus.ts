import type { ServiceRequest } from '@gatehouse/core/protocol/services.ts';
import { encodeJson, type Frame, type FrameType } from '@gatehouse/core/protocol/frame.ts';

const size = { cols: 80, rows: 24 };
const path = 'src/main.ts';

/** One valid request of each kind. */
export const requests: readonly ServiceRequest[] = [
  { method: 'pty.open', ...size, cwd: '', name: 'build', key: 'key-of-terminal' },
  { method: 'pty.attach', terminalId: 't1', from: 0, ...size },
  { method: 'pty.attach', terminalId: 't1', from: null, ...size },
  { method: 'pty.list' },
  { method: 'pty.rename', terminalId: 't1', name: 'tests' },
  { method: 'pty.close', terminalId: 't1' },
  { method: 'drive.give', viewer: 2 },
  { method: 'drive.take' },
  { method: 'drive.ask', asks: true },
  { method: 'files.list', path },
  { method: 'files.stat', path },
  { method: 'files.read', path },
  { method: 'files.write', path, etag: '*', size: 100 },
  { method: 'files.mkdir', path },
  { method: 'files.rename', from: path, to: path },
  { method: 'files.delete', path, recursive: true },
  { method: 'files.watch', path },
  { method: 'search.text', query: 'x', regex: false, matchCase: true, wholeWord: false, include: ['*.ts'], exclude: [] },
  { method: 'search.files' },
  { method: 'lsp.servers', path },
  { method: 'lsp.open', server: 'typescript', root: path },
];

const info = { terminalId: 't1', name: 'build', ...size, offset: 5000, exit: null };
const entry = { name: 'main.ts', kind: 'file', size: 100, modified: 1 };

/** What is said in heads and messages, of each kind. */
const heads: readonly object[] = [
  { ok: true, terminal: info, offset: 0, size, input: 0, state: null },
  { ok: true, terminal: info, offset: 5000, size, input: 3, state: 4 },
  { ok: true, terminals: [info] },
  { ok: true },
  { ok: true, truncated: false },
  { ok: true, server: { server: 'typescript', root: path, program: null } },
  { ok: true, entry, etag: 'e' },
  { ok: true, entry, etag: 'e', binary: false },
  { ok: false, code: 'not-found', message: 'There is no such file' },
];
const messages: readonly object[] = [
  { kind: 'resize', cols: 100, rows: 30 },
  { kind: 'exit', code: 0, signal: null },
  { kind: 'renamed', name: 'tests' },
  { kind: 'changed', paths: [path], overflow: false },
  { kind: 'presence', driver: 'usr_a', viewers: [{ viewer: 1, userId: 'usr_a', name: 'Ada', access: 'own', asks: false }] },
];
const controls: readonly object[] = [
  { kind: 'welcome', viewer: 1 },
  { kind: 'mark', nonce: 7 },
  { kind: 'echo', nonce: 7 },
  { kind: 'challenge', nonce: 'n' },
  { kind: 'ready' },
  { kind: 'joined', viewer: 2 },
  { kind: 'left', viewer: 2 },
  { kind: 'proof', signature: 's' },
  { kind: 'admitted', viewer: 1 },
  { kind: 'refuse', viewer: 1, reason: 'no' },
  { kind: 'drives', viewer: 1 },
];
const hello = { grant: 'a.b.c', clientId: 'client-one', key: { kty: 'EC', crv: 'P-256', x: 'x', y: 'y' }, signature: 's' };

const json = (type: FrameType, stream: number, value: object): Frame => plain(type, stream, 0, encodeJson(value));
const plain = (type: FrameType, stream: number, offset = 0, payload = new Uint8Array(0)): Frame => ({
  ...{ type, sealed: false, viewer: 1, stream, offset, payload },
});

/** Frames as an honest end sends them, of every type. */
export const frames: readonly Frame[] = [
  ...controls.map((value) => json('control', 0, value)),
  plain('handshake', 0, 0, new Uint8Array(48).fill(7)),
  json('hello', 0, hello),
  ...requests.map((value, index) => json('open', 2 * index + 1, value)),
  ...heads.map((value) => json('head', 1, value)),
  ...messages.map((value) => json('message', 1, value)),
  json('message', 0, messages.at(-1) ?? {}),
  plain('data', 1, 0, new Uint8Array(100).fill(65)),
  plain('data', 1, 100, new Uint8Array(64 * 1024).fill(66)),
  plain('ack', 1, 100),
  plain('fin', 1),
  json('reset', 1, { code: 'cancelled', message: 'No longer wanted' }),
];
