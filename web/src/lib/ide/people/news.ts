import type { Person } from './person.ts';

/** Something about people that is said aloud. */
export interface News {
  title: string;
  detail: string | null;
  /** whether somebody came who does not own the workspace: its owner must not miss that */
  weighty: boolean;
}

/** What changed from one presence to the next, in words. Who was here is not news, nor is what one did oneself. */
export function newsOf(before: readonly Person[], after: readonly Person[]): News[] {
  const missing = (person: Person, people: readonly Person[]): boolean =>
    !person.me && people.every(({ userId }) => userId !== person.userId);
  const owns = after.some(({ me, access }) => me && access === 'own');
  return [
    ...after.filter((person) => missing(person, before)).map((person) => joined(person, owns)),
    ...before.filter((person) => missing(person, after)).map(({ name }) => said(`${name} left`)),
    ...drove(before, after),
  ];
}

const said = (title: string, detail: string | null = null, weighty = false): News => ({ title, detail, weighty });

function joined({ name, access }: Person, owns: boolean): News {
  if (access === 'own') return said(`${name}, the owner, joined`);
  return said(`${name} joined`, owns ? 'They see what you see, and can drive only when you hand over.' : null, owns);
}

function drove(before: readonly Person[], after: readonly Person[]): News[] {
  const [driver, last] = [after, before].map((people) => people.find(({ drives }) => drives));
  if (driver === undefined || driver.userId === last?.userId) return [];
  return [driver.me ? said('You drive now') : said(`${driver.name} drives now`)];
}
