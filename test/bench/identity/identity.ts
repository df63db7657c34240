import type { Person } from '../../../scripts/api.ts';
import { shuffled, type Options, type Row } from '../measure.ts';
import { packageFolder } from '../peers.ts';
import { signUp } from '../product.ts';
import { Rows } from '../turns.ts';
import { startWorker } from '../worker-server.ts';
import { expectAccess, mapPrefix, measureCounting } from './counting.ts';
import { addProvider, startScimmy, type Directory } from './directory.ts';
import { measureLogin, type Subject } from './login.ts';
import { personOf, provision } from './provisioning.ts';

export const IDENTITY_PARTS = ['provisioning', 'login'] as const;

const PREFIX = 'bench-scim-';

/** A directory that brings a whole organisation, and people who come in through its provider. */
export async function measureIdentity(options: Options): Promise<Row[]> {
  const wanted = (part: (typeof IDENTITY_PARTS)[number]) => options.parts.length === 0 || options.parts.includes(part);
  const server = await startWorker('test/bench/identity/worker/index.ts');
  const rows = new Rows('identity');
  try {
    const owner = await signUp(server.origin);
    const { id: providerId, directory } = await addProvider(owner, server.origin, 'Directory');
    const place = { owner, origin: server.origin, providerId, directory };
    const size = wanted('provisioning') ? options : null;
    if (size) await measureProvisioning(place, rows, options);
    if (wanted('login')) await measureLogin(place, rows, await subjects(directory, options, size?.users ?? 0));
  } finally {
    await server.end();
  }
  return rows.all();
}

interface Place {
  owner: Person;
  providerId: string;
  directory: Directory;
}

async function measureProvisioning(place: Place, rows: Rows, options: Options): Promise<void> {
  const folder = await packageFolder('scimmy-routers', '1.3.2', options.peers, []);
  if (folder === null)
    process.stdout.write('\n  scimmy-routers IS NOT INSTALLED (npm run bench -- identity --peers): no figures of it.\n\n');
  const peer = async () => {
    if (folder === null) return;
    const { directory, stop } = await startScimmy(folder);
    // It looks at all members of a group for each that comes or goes: fewer calls say as much of it. Its pages end at 20 people.
    const size = { ...options, single: Math.min(options.users, 1_000), ofEverybody: 3, page: null };
    await provision(directory, rows.of('scimmy-routers'), size, PREFIX).finally(stop);
  };
  for (const turn of shuffled([() => ours(place, rows, options), peer])) await turn();
}

async function ours({ owner, providerId, directory }: Place, rows: Rows, options: Options): Promise<void> {
  const mapped = await mapPrefix(owner, providerId, PREFIX);
  const add = rows.of('gatehouse');
  const size = { ...options, single: options.users, ofEverybody: 100, page: 500 };
  const people = await provision(directory, add, size, PREFIX);
  await expectAccess(owner, mapped, people);
  await measureCounting({ owner, directory, providerId }, add, people.slice(0, options.quick ? 5 : 100));
}

/** People whom the directory has brought, as its provider knows them; those who are not there yet come now. */
async function subjects(directory: Directory, { quick }: Options, there: number): Promise<Subject[]> {
  const all = Array.from({ length: quick ? 5 : 100 }, (_, at) => personOf(at));
  for (const person of all.slice(there)) await directory.createUser(person);
  return all.map(({ externalId, userName, name }) => ({ sub: externalId, email: userName, name }));
}
