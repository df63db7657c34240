import type { AuditEvent } from './event.ts';

/** A person whose data is to be erased, as events name them. */
export interface Sought {
  /** id of the person */
  id: string;
  /** e-mail addresses, in small letters, that were theirs when the events were recorded */
  addresses: readonly string[];
  /** ids of findings that are about them */
  findings: ReadonlySet<string>;
}

/** What an erasure leaves of itself, however often somebody is erased: the id and counts, no name. */
const ERASURES: readonly string[] = ['audit.erase', 'audit.erase.finish'];
/** Resources whose name may be an address. Others people name as they like: a name must not be a way out of the log. */
const NAMED_BY_ADDRESS: readonly string[] = ['user', 'invitation', 'session'];

/** Whether a JSON can hold such an event at all: most don't, and are not parsed. */
export const mayConcern = (json: string, { id, addresses, findings }: Sought): boolean =>
  json.includes(id) ||
  (findings.size > 0 && json.includes('"type":"finding"')) ||
  (addresses.length > 0 && containsAny(json.toLowerCase(), addresses));

const containsAny = (text: string, words: readonly string[]): boolean => words.some((word) => text.includes(word));

/**
 * Whether an event holds data of that person: it is theirs, about them, or names them by id or address in a place that Gatehouse
 * writes. Free text counts for nothing: else whoever names a thing after somebody would have their own events erased with theirs.
 */
export function concerns(event: AuditEvent, sought: Sought): boolean {
  if (event.actor.id === sought.id) return true;
  if (ERASURES.includes(event.action)) return false;
  if (event.resource.id === sought.id) return true;
  if (event.resource.type === 'finding') return sought.findings.has(event.resource.id ?? '');
  return namesById(event, sought.id) || namesByAddress(event, sought);
}

/** Details, fields and members that Gatehouse writes; others, like a token's or a variable's name, people choose. */
const IDS: readonly string[] = ['user', 'owner', 'person', 'subjectId', 'responsible'];
const MEMBERS = /^(?:members|managers|acl)\./;

const namesById = ({ details, diff }: AuditEvent, id: string): boolean =>
  IDS.some((key) => details[key] === id) ||
  diff.some(
    ({ path, ...change }) =>
      (MEMBERS.test(path) && path.split(/[\s./]+/).includes(id)) || (IDS.includes(path) && (change.old === id || change.new === id)),
  );

function namesByAddress({ actor, resource, details }: AuditEvent, { addresses }: Sought): boolean {
  const isTheirs = (value: unknown) => typeof value === 'string' && addresses.includes(value.toLowerCase());
  // An address that was freed may be somebody else's before or after: what is theirs stays.
  const isSomebodyElses = resource.type === 'user' && resource.id !== null;
  if (isSomebodyElses) return false;
  return (
    (actor.id === null && (isTheirs(actor.email) || isTheirs(actor.name))) ||
    (NAMED_BY_ADDRESS.includes(resource.type) && isTheirs(resource.name)) ||
    isTheirs(details['email'])
  );
}

/** Addresses that an event tells of that person: their own as an actor, and the one that their deletion freed. */
export function addressesIn({ actor, action, resource, details }: AuditEvent, id: string): string[] {
  const own = actor.id === id ? actor.email : null;
  const freed = action === 'user.delete' && resource.id === id ? details['email'] : null;
  return [own, freed].flatMap((each) => (typeof each === 'string' && each !== '' ? [each.toLowerCase()] : []));
}
