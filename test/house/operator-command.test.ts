import { execFile } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const TOKEN = 'operator-token-for-the-command-0123456789';
const tenant = (n: number) => ({
  ...{ id: `tnt_${n}`, slug: `acme-${n}`, name: `Acme ${n}`, state: 'active', region: 'auto', shard: 's0' },
  createdAt: '2026-11-23T10:00:00.000Z',
});
const asked: Array<{ method: string | undefined; url: string | undefined; body: string }> = [];
/** What the calls that rotate keys are answered, in turn. */
let rotations: unknown[] = [];
let server: Server;
let url: string;

/** Two pages of organisations, and the operator's two orders. */
beforeAll(async () => {
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += chunk));
    request.on('end', () => {
      asked.push({ method: request.method, url: request.url, body });
      const answer = (status: number, content: unknown) => response.writeHead(status).end(JSON.stringify(content));
      if (request.headers.authorization !== `Bearer ${TOKEN}`)
        return answer(401, { detail: 'The operator’s token is missing or wrong', requestId: 'req_1' });
      const { pathname, searchParams } = new URL(request.url ?? '', 'http://double');
      if (pathname.endsWith('/keys/rotate')) return answer(200, rotations.shift());
      if (pathname.endsWith('/suspend')) return answer(200, { ...tenant(2), state: 'suspended' });
      if (pathname.endsWith('/activate')) return answer(200, tenant(2));
      if (pathname.endsWith('/ledger/rebuild')) return answer(202, { state: 'running', recorded: 4_000, fault: null });
      return answer(
        200,
        searchParams.has('cursor') ? { items: [tenant(2)], nextCursor: null } : { items: [tenant(1)], nextCursor: 'next' },
      );
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => new Promise((closed) => server.close(closed)));

function operator(args: string[], env: Record<string, string> = {}): Promise<{ code: number; out: string; err: string }> {
  const settings = { GATEHOUSE_URL: url, GATEHOUSE_OPERATOR_TOKEN: TOKEN, ...env };
  return new Promise((done) => {
    const child = execFile(process.execPath, ['scripts/operator.mjs', ...args], { env: settings }, (_error, out, err) =>
      done({ code: child.exitCode ?? -1, out, err }),
    );
  });
}

describe('npm run operator', () => {
  test('lists the organisations of all pages, as a table or as JSON', async () => {
    const { code, out } = await operator(['tenants', 'list']);
    expect(code).toBe(0);
    expect(out.split('\n').slice(0, 3)).toEqual([
      'SLUG    STATE   NAME    REGION  SHARD  SINCE       ID',
      'acme-1  active  Acme 1  auto    s0     2026-11-23  tnt_1',
      'acme-2  active  Acme 2  auto    s0     2026-11-23  tnt_2',
    ]);
    expect(JSON.parse((await operator(['tenants', 'list', '--json'])).out)).toEqual([tenant(1), tenant(2)]);
  });

  test('suspends by slug with a reason, and activates', async () => {
    expect(await operator(['tenants', 'suspend', 'acme-2', '--reason', 'Unpaid'])).toMatchObject({
      code: 0,
      out: 'acme-2 is suspended.\n',
    });
    expect(asked.at(-1)).toEqual({ method: 'POST', url: '/api/v1/operator/tenants/tnt_2/suspend', body: '{"reason":"Unpaid"}' });
    expect(await operator(['tenants', 'activate', 'acme-2'])).toMatchObject({ code: 0, out: 'acme-2 is active.\n' });
  });

  test('has a ledger made anew, and says how far that is', async () => {
    expect(await operator(['tenants', 'rebuild-ledger', 'acme-2'])).toMatchObject({
      code: 0,
      out: 'The audit ledger of acme-2 has 4000 events so far.\n',
    });
    expect(asked.at(-1)).toMatchObject({ method: 'POST', url: '/api/v1/operator/tenants/tnt_2/ledger/rebuild' });
  });

  test.each([
    ['no command', [], {}, 2, 'Usage:'],
    ['no reason', ['tenants', 'suspend', 'acme-2'], {}, 2, '--reason'],
    ['no slug', ['tenants', 'activate'], {}, 2, 'Give its slug'],
    ['an unknown option', ['tenants', 'list', '--force'], {}, 2, '--force'],
    ['no URL', ['tenants', 'list'], { GATEHOUSE_URL: '' }, 2, 'GATEHOUSE_URL is not set'],
    ['no token', ['tenants', 'list'], { GATEHOUSE_OPERATOR_TOKEN: '' }, 2, 'GATEHOUSE_OPERATOR_TOKEN is not set'],
    ['a URL in clear', ['tenants', 'list'], { GATEHOUSE_URL: 'http://gatehouse.example' }, 2, 'must be https'],
    ['a wrong token', ['tenants', 'list'], { GATEHOUSE_OPERATOR_TOKEN: 'wrong' }, 1, 'token is missing or wrong (request req_1)'],
    ['an unknown organisation', ['tenants', 'activate', 'none'], {}, 1, 'There is no organisation none.'],
  ])('says what is wrong: %s', async (_name, args, env, code, words) => {
    const { code: exit, err } = await operator(args, env);
    expect(err).toContain(words);
    expect(err).not.toContain('    at ');
    expect(exit).toBe(code);
  });

  test('rotates keys call by call until nothing is left', async () => {
    const answer = { version: 'v2', failed: [] };
    rotations = [
      { ...answer, done: 100, left: 7 },
      { ...answer, done: 7, left: 0 },
    ];
    const { code, out, err } = await operator(['keys', 'rotate']);
    expect([code, out.trim(), err.trim()]).toEqual([
      0,
      'All data keys are wrapped by key v2 (107 now). KEK_FORMER and KEK_FORMER_VERSION can be removed.',
      '100 data keys wrapped, 7 to go …',
    ]);
  });

  test('says which data keys could not be wrapped, and that the former key is needed', async () => {
    rotations = [{ version: 'v2', done: 0, left: 1, failed: [{ tenant: 'tnt_1', why: 'wrapped by key v0' }] }];
    const { code, err } = await operator(['keys', 'rotate']);
    expect([code, err.trim()]).toEqual([1, '1 data keys are still wrapped by another key. Keep KEK_FORMER.\n  tnt_1: wrapped by key v0']);
  });
});
