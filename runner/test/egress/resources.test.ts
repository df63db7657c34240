import { describe, expect, it, vi } from 'vitest';
import { isolatingKinds } from '../support/sandbox.ts';
import { startLimited } from '../support/limited.ts';
import { OutsideWorld } from '../support/outside-world.ts';

vi.setConfig({ testTimeout: 60_000 });

const DATABASE = 'orders.db.example';
const resource = { name: 'orders-db', host: DATABASE, port: 5432 };

async function makeDatabase(address = '10.4.0.7') {
  const world = new OutsideWorld([DATABASE]);
  await world.host(DATABASE, address, {
    tcp: [5432, (socket) => socket.on('data', (said: Buffer) => socket.end(`rows for ${said.toString()}`))],
  });
  return world;
}

/** Asks what listens at an address, as `psql` would. */
const query = (place: string) => `exec 3<>/dev/tcp/$(echo ${place} | tr : /) && printf select >&3 && cat <&3`;

describe.each(isolatingKinds())('a TCP resource of a %s sandbox', (kind) => {
  it('is a port on loopback of the template that names it, also in a private network', async () => {
    const { run, told, wayOut } = await startLimited(await makeDatabase(), { resources: [resource] }, { kind });
    expect(await run('echo $GATEHOUSE_TCP_ORDERS_DB')).toBe('127.0.0.1:21001');
    expect(await run(query('$GATEHOUSE_TCP_ORDERS_DB'))).toBe('rows for select');
    wayOut.close();
    expect(told.all).toMatchObject([{ what: 'used', host: DATABASE, port: 5432, connections: 1, sent: 6, received: 15 }]);
  });

  it('is nowhere in a workspace of another template, by port, by proxy or by address', async () => {
    const world = await makeDatabase();
    const { run } = await startLimited(world, { hosts: ['packages.example'] }, { kind });
    expect(await run('env | grep GATEHOUSE_TCP; ls /run/gatehouse | tr "\\n" " "')).toBe('git.sock web.sock');
    for (const place of ['127.0.0.1:21001', '10.4.0.7:5432']) expect(await run(`(${query(place)}) 2>&1`)).toMatch(/refused|unreachable/);
    expect(await run(`curl -sS -p -x http://127.0.0.1:3128 http://${DATABASE}:5432/ 2>&1`)).toContain('403');
    expect(world.dialled.all).toEqual([]);
  });

  it('is refused when it is taken away while the workspace runs, and that is told', async () => {
    const workspace = await startLimited(await makeDatabase(), { resources: [resource] }, { kind });
    workspace.ways = { ...workspace.ways, network: { ...workspace.ways.network, resources: [] } };
    expect(await workspace.run(query('$GATEHOUSE_TCP_ORDERS_DB'))).toBe('');
    expect(workspace.told.all).toMatchObject([{ what: 'refused', host: 'resource orders-db', why: 'this template grants it no more' }]);
  });

  it.each([
    ['169.254.169.254', 'to a reserved address'],
    ['127.0.0.1', 'to the machine itself'],
    ['10.9.9.9', 'to the machine itself'],
  ])('does not lead to %s by its name: the machine and its secrets are not meant', async (address, where) => {
    const world = await makeDatabase(address);
    const { run, told } = await startLimited(world, { resources: [resource] }, { kind });
    expect(await run(query('$GATEHOUSE_TCP_ORDERS_DB'))).toBe('');
    expect(told.all).toMatchObject([{ what: 'refused', why: `its name leads ${where}` }]);
    expect(world.dialled.all).toEqual([]);
  });
});
