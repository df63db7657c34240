import { createServer, type RequestListener } from 'node:http';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { textOf } from '../../src/sandbox/container/body.ts';
import { Engine, negotiate } from '../../src/sandbox/container/engine.ts';
import { findEngine, placesOf } from '../../src/sandbox/container/find-engine.ts';
import { findImage, pullImage } from '../../src/sandbox/container/image.ts';
import { mintFolder } from '../support/mint.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;
const IMAGE = `registry.example/team/tools@${DIGEST}`;

/** An engine that answers as it is told. @returns where it listens, and what it was asked */
async function double(answers: Record<string, unknown>, about: object = {}): Promise<{ socket: string; asked: string[] }> {
  const socket = join(mintFolder(), 'engine.sock');
  const asked: string[] = [];
  const facts = { Version: '27.0.3', ApiVersion: '1.46', MinAPIVersion: '1.24', Os: 'linux', Components: [{ Name: 'Engine' }], ...about };
  const known: Record<string, unknown> = {
    'GET /version': facts,
    'GET /v1.46/info': { MemoryLimit: true, PidsLimit: true, CpuCfsQuota: true, SecurityOptions: ['name=seccomp,profile=builtin'] },
    ...answers,
  };
  const listener: RequestListener = (request, response) => {
    const what = `${request.method} ${request.url}`;
    asked.push(what);
    const answer = known[what];
    if (answer === undefined) return void response.writeHead(404).end('{"message":"no such thing"}');
    if (typeof answer === 'function') return void (answer as RequestListener)(request, response);
    response.end(typeof answer === 'string' ? answer : JSON.stringify(answer));
  };
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  onTestFinished(() => void server.close());
  return { socket, asked };
}

describe('an engine', () => {
  it('is spoken to in the newest version that both know, or says whose release is too old', () => {
    const theirs = (newest: [number, number], oldest?: [number, number]) => ({ ApiVersion: newest, MinAPIVersion: oldest });
    expect(negotiate(theirs([1, 41], [1, 24]))).toBe('1.41');
    expect(negotiate(theirs([1, 52], [1, 44]))).toBe('1.48');
    expect(negotiate(theirs([1, 40]))).toBe('1.40');
    expect(() => negotiate(theirs([1, 39]))).toThrow('its API is 1.39, and this runner speaks 1.40 to 1.48: upgrade the engine');
    expect(() => negotiate(theirs([1, 60], [1, 55]))).toThrow('upgrade the runner');
  });

  it('tells what it is and what it can bound', async () => {
    const docker = await Engine.at((await double({})).socket);
    expect(docker).toMatchObject({ name: 'Docker', version: '27.0.3', isRootless: false, controls: ['memory', 'pids', 'cpu'] });
    const info = { MemoryLimit: false, PidsLimit: true, SecurityOptions: ['name=seccomp,profile=default', 'name=rootless'] };
    const { socket } = await double({ 'GET /v1.41/info': info }, { ApiVersion: '1.41', Components: [{ Name: 'Podman Engine' }] });
    const podman = await Engine.at(socket);
    expect(podman).toMatchObject({ name: 'Podman', isRootless: true, claims: ['pids'], controls: [] });
    expect(podman.words).toBe(`Podman 27.0.3, rootless, at ${socket}`);
  });

  it('that can’t be reached or is none says so in a sentence', async () => {
    const folder = mintFolder();
    await expect(Engine.at(join(folder, 'none.sock'))).rejects.toThrow('there is no such socket');
    const dead = join(folder, 'dead.sock');
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(dead, resolve));
    const { socket } = await double({ 'GET /version': '<html>' });
    await expect(Engine.at(socket)).rejects.toThrow(`What answers at ${socket} is no container engine`);
    await expect(Engine.at((await double({}, { Os: 'windows' })).socket)).rejects.toThrow('runs windows containers');
    await expect(Engine.at((await double({}, { ApiVersion: '1.12' })).socket)).rejects.toThrow('can’t be used: its API is 1.12');
    writeFileSync(join(folder, 'file'), '');
    chmodSync(join(folder, 'file'), 0o600);
    await expect(Engine.at(join(folder, 'file'))).rejects.toThrow('nothing listens there: start it');
    server.close();
  });

  it('is found where the operator says, then by DOCKER_HOST, then where Podman and Docker listen, the user’s own first', async () => {
    const places = (asked: string | undefined, env: NodeJS.ProcessEnv, uid = 1000) => placesOf(asked, env, uid);
    expect(places('/x.sock', { DOCKER_HOST: 'unix:///y.sock' })).toEqual({ places: ['/x.sock'], isAsked: true });
    expect(places(undefined, { DOCKER_HOST: 'unix:///y.sock' })).toEqual({ places: ['/y.sock'], isAsked: true });
    expect(places(undefined, { XDG_RUNTIME_DIR: '/run/user/7' })).toMatchObject({
      places: [
        '/run/user/7/podman/podman.sock',
        '/run/user/7/docker.sock',
        '/run/podman/podman.sock',
        '/run/docker.sock',
        '/var/run/docker.sock',
      ],
    });
    expect(places(undefined, {}, 0)).toMatchObject({ places: ['/run/podman/podman.sock', '/run/docker.sock', '/var/run/docker.sock'] });
    expect(places(undefined, { DOCKER_HOST: 'tcp://10.0.0.1:2375' })).toContain('no socket of this machine');
    expect(await findEngine('none')).toBe('switched off by --engine none');
    expect(await findEngine('/nowhere.sock')).toContain('there is no such socket');
  });

  it('prints in frames, of which a broken one is not shown', () => {
    const frame = (text: string, length = text.length) => Buffer.concat([Buffer.from([2, 0, 0, 0, 0, 0, 0, length]), Buffer.from(text)]);
    expect(textOf(Buffer.concat([frame('one\n'), frame('two\n')]))).toBe('one\ntwo\n');
    expect(textOf(Buffer.concat([frame('one\n'), Buffer.from([2, 0])]))).toBe('one\n');
    expect(textOf(frame('cut', 200))).toBe('cut');
  });
});

describe('an image', () => {
  const here = (more: object = {}) => ({
    Id: 'sha256:b',
    RepoDigests: [IMAGE],
    Os: 'linux',
    Architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
    ...more,
  });
  const inspect = `GET /v1.46/images/${IMAGE}/json`;

  it('is not another one that the engine calls so, and not one for another machine', async () => {
    const at = async (answer: object) => findImage(await Engine.at((await double({ [inspect]: answer })).socket), IMAGE);
    expect(await at(here())).toEqual({ id: 'sha256:b', environment: {}, volumes: [], isChecked: false });
    await expect(at(here({ RepoDigests: [`registry.example/team/tools@sha256:${'c'.repeat(64)}`] }))).rejects.toThrow('is another image');
    await expect(at(here({ RepoDigests: null }))).rejects.toThrow('it has no digest');
    await expect(at(here({ Architecture: 's390x' }))).rejects.toThrow('The image is for linux/s390x');
  });

  it('is pulled with its progress told, and fails with what the registry says', async () => {
    let pulled = false;
    const lines = [
      { status: 'Pulling from team/tools', id: 'latest' },
      { status: 'Downloading', id: 'one', progressDetail: { current: 50, total: 100 } },
      { status: 'Downloading', id: 'two', progressDetail: { current: 0, total: 100 } },
      { status: 'Downloading', id: 'two', progressDetail: { current: 100, total: 100 } },
      { status: 'Pull complete', id: 'one' },
    ];
    const { socket } = await double({
      [inspect]: ((_request, response) =>
        pulled ? response.end(JSON.stringify(here())) : response.writeHead(404).end('{}')) as RequestListener,
      [`POST /v1.46/images/create?fromImage=${encodeURIComponent(IMAGE)}`]: ((_request, response) => {
        pulled = true;
        response.end(lines.map((line) => JSON.stringify(line)).join('\r\n'));
      }) as RequestListener,
    });
    const engine = await Engine.at(socket);
    const told: [string | null, number][] = [];
    const pull = () => pullImage(engine, IMAGE, (line, part) => told.push([line, part]), new AbortController().signal);
    await pull();
    expect(told).toEqual([
      [`Pulling the image ${IMAGE}\n`, 0],
      ['latest: Pulling from team/tools\n', 0],
      [null, 0.5],
      [null, 0.25],
      [null, 0.75],
      ['one: Pull complete\n', 0.75],
    ]);
    told.length = 0;
    await pull();
    expect(told).toEqual([[`Image ${IMAGE} is here\n`, 1]]);
    const refusing = await double({
      [`POST /v1.46/images/create?fromImage=${encodeURIComponent(IMAGE)}`]: { error: 'unauthorized: log in' },
    });
    const failed = pullImage(await Engine.at(refusing.socket), IMAGE, () => undefined, new AbortController().signal);
    await expect(failed).rejects.toThrow('The image could not be pulled: unauthorized: log in');
  });
});
