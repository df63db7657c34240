import { connect, createServer, type AddressInfo } from 'node:net';
import { connect as secure } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { readGreeting } from './client-hello.ts';

/** What a TLS client says first. */
async function greetingOf(servername?: string): Promise<Buffer> {
  let take: (said: Buffer) => void = () => undefined;
  const heard = new Promise<Buffer>((resolve) => (take = resolve));
  const server = createServer((socket) => socket.once('data', take).on('error', () => undefined));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  secure({ socket, rejectUnauthorized: false, ...(servername === undefined ? {} : { servername }) }).on('error', () => undefined);
  const said = await heard;
  socket.destroy();
  server.close();
  return said;
}

describe('the first words of a connection', () => {
  it('name the host in TLS, however they are cut', async () => {
    const hello = await greetingOf('packages.example');
    for (let length = 0; length < hello.length; length++) expect(readGreeting(hello.subarray(0, length)).kind).toBe('more');
    expect(readGreeting(hello)).toEqual({ kind: 'tls', name: 'packages.example' });
    // The same in two records.
    const body = hello.subarray(5);
    const record = (part: Buffer) => Buffer.concat([Buffer.from([22, 3, 1, part.length >> 8, part.length & 255]), part]);
    expect(readGreeting(Buffer.concat([record(body.subarray(0, 9)), record(body.subarray(9))]))).toEqual({
      kind: 'tls',
      name: 'packages.example',
    });
  });

  it('may name none, or be something else', async () => {
    expect(readGreeting(await greetingOf())).toEqual({ kind: 'tls', name: null });
    for (const said of ['GET / HTTP/1.1\r\n', 'SSH-2.0-OpenSSH\r\n', '\u0000\u0001'])
      expect(readGreeting(Buffer.from(said)).kind).toBe('plain');
  });

  it('may be rubbish, which is never taken for a name', async () => {
    const hello = await greetingOf('packages.example');
    for (let at = 5; at < hello.length; at++) {
      const broken = Buffer.from(hello);
      broken[at] = (broken[at] ?? 0) ^ 0xff;
      const greeting = readGreeting(broken);
      expect(['more', 'plain', 'tls']).toContain(greeting.kind);
    }
  });
});
