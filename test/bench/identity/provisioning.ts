import type { Add } from '../turns.ts';
import { Calls } from './calls.ts';
import type { Directory, DirectoryPerson } from './directory.ts';

export interface Size {
  users: number;
  groups: number;
  /** how many come one by one: of all of them, and of the group of everybody */
  single: number;
  ofEverybody: number;
  /** of a page of the list of everybody; null: it is not asked for */
  page: number | null;
}

/** Calls that look at what is there. */
const SOME = 1_000;

const numbers = (count: number) => Array.from({ length: count }, (_, at) => at);
/** Somebody as the directory knows them. */
export const personOf = (at: number): DirectoryPerson => ({
  userName: `person-${at}@bench-scim.test`,
  name: `Person ${at}`,
  externalId: `subject-${at}`,
});
const shown = (count: number) => count.toLocaleString('en-GB');

/**
 * The first provisioning of a whole organisation, as a directory does it: people, groups, and who is in which, first all of a
 * group in one call, then each in a call of their own.
 * @param prefix of the groups' names
 * @returns the people's ids
 * @throws Error when somebody is missing afterwards
 */
export async function provision(directory: Directory, add: Add, size: Size, prefix: string): Promise<string[]> {
  const { users, groups } = size;
  const people = await createAll(add, `create ${shown(users)} people`, numbers(users), (at) => directory.createUser(personOf(at)));
  await lookUp(directory, add, users);
  if (size.page !== null) await listAll(directory, add, new Set(people), size.page);
  const ids = await createAll(add, `create ${shown(groups)} groups`, numbers(groups), (at) => directory.createGroup(`${prefix}${at}`));
  const shareOf = (at: number) => people.filter((_, index) => index % groups === at);
  const [inOne, inMany] = [new Calls(), new Calls()];
  await inOne.each(ids, (id, at) => directory.add(id, shareOf(at)));
  inOne.tell(add, `${shown(Math.ceil(users / groups))} members in one PATCH`);
  // Everybody into the group after theirs, so that all is new.
  const single = people.slice(0, size.single);
  await inMany.each(single, (id, at) => directory.add(ids[(at + 1) % groups] ?? '', [id]));
  inMany.tell(add, 'one member in a PATCH');
  const large = await everybody(directory, add, people, { ...size, prefix });
  const cameTo = (at: number) => shareOf(at).length + single.filter((_, index) => (index + 1) % groups === at).length;
  for (const [at, id] of ids.entries()) await expectSize(directory, id, cameTo(at));
  await expectSize(directory, large, people.length);
  return people;
}

/** @returns their ids, in order */
async function createAll(add: Add, what: string, items: number[], create: (at: number) => ReturnType<Directory['createGroup']>) {
  const ids: string[] = [];
  const calls = new Calls();
  await calls.each(items, async (at) => {
    const answer = await create(at);
    ids[at] = answer.body.id;
    return answer;
  });
  calls.tell(add, what);
  return ids;
}

async function lookUp(directory: Directory, add: Add, users: number): Promise<void> {
  const calls = new Calls();
  const some = Math.min(users, SOME);
  await calls.each(numbers(some), async (at) => {
    const { userName } = personOf(Math.floor((at * users) / some));
    const answer = await directory.findUser(userName);
    if (answer.body.totalResults !== 1) throw new Error(`Of ${userName} there are ${answer.body.totalResults}`);
    return answer;
  });
  calls.tell(add, 'look somebody up by userName');
}

async function listAll(directory: Directory, add: Add, people: ReadonlySet<string>, page: number): Promise<void> {
  const calls = new Calls();
  const seen = new Set<string>();
  const pages = numbers(Math.ceil(people.size / page));
  await calls.each(
    pages,
    async (at) => {
      const answer = await directory.usersFrom(1 + at * page, page);
      for (const { id } of answer.body.Resources) seen.add(id);
      return answer;
    },
    1,
  );
  if (![...people].every((id) => seen.has(id))) throw new Error(`Of ${people.size} people ${seen.size} are listed`);
  calls.tell(add, `list everybody, ${page} a page`);
}

/** One group with everybody in it, of which one member comes and goes: what that costs must not hang on its size. */
async function everybody(
  directory: Directory,
  add: Add,
  people: readonly string[],
  { ofEverybody, prefix }: Size & { prefix: string },
): Promise<string> {
  const { id } = (await directory.createGroup(`${prefix}everybody`)).body;
  const [all, out, back] = [new Calls(), new Calls(), new Calls()];
  await all.each([people], (members) => directory.add(id, members));
  for (const member of people.slice(0, ofEverybody)) {
    await out.each([member], () => directory.remove(id, member));
    await back.each([member], () => directory.add(id, [member]));
  }
  all.tell(add, `${shown(people.length)} members in one PATCH`);
  out.tell(add, `one member out of ${shown(people.length)}`);
  back.tell(add, `one member into ${shown(people.length)}`);
  return id;
}

async function expectSize(directory: Directory, id: string, size: number): Promise<void> {
  const { members = [] } = (await directory.group(id)).body;
  if (members.length !== size) throw new Error(`A group has ${members.length} members instead of ${size}`);
}
