import type { Filter } from './filter.ts';
import { matchesEntry, type Json } from './filter-match.ts';
import { copyOf, valueFor } from './normalise.ts';
import type { Operation } from './patch-request.ts';
import type { Attribute } from './schema.ts';
import { invalidValue, ScimError } from './scim-error.ts';

/**
 * The resource with the operations done, one after the other (RFC 7644 §3.5.2). The given one stays as it is.
 * More lenient than the standard where directories are: to replace an entry that is not there adds it.
 * @throws ScimError
 */
export function patched(resource: Json, operations: readonly Operation[]): Json {
  const result = copyOf(resource);
  for (const operation of operations) apply(result, operation);
  return result;
}

function apply(resource: Json, operation: Operation): void {
  const { place } = operation;
  const { extension } = place;
  const holder = extension === null ? resource : ((resource[extension] as Json | undefined) ?? {});
  if (place.attribute.multiValued) changeList(holder, operation);
  else if (place.sub !== null) changePart(holder, operation, place.sub);
  else changeValue(holder, operation);
  if (extension === null) return;
  if (Object.keys(holder).length > 0) resource[extension] = holder;
  else Reflect.deleteProperty(resource, extension);
}

function set(holder: Json, { name }: Attribute, value: unknown): void {
  if (value === null || (Array.isArray(value) && value.length === 0) || isEmpty(value)) Reflect.deleteProperty(holder, name);
  else holder[name] = value;
}
const isEmpty = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length === 0;

function requireValue({ op, value, place }: Operation): void {
  if (op !== 'remove' && value === undefined) throw invalidValue(`${op} of ${place.attribute.name} needs a value`);
}

/** What has parts keeps those that were not sent: a name is not wiped by half of it. */
function changeValue(holder: Json, operation: Operation): void {
  const { op, place, value } = operation;
  requireValue(operation);
  const { attribute } = place;
  if (attribute.required && op === 'remove') throw new ScimError(400, 'mutability', `${attribute.name} can’t be removed`);
  const now = op === 'remove' ? null : valueFor(attribute, value);
  if (attribute.required && now === null) throw invalidValue(`${attribute.name} must not be empty`);
  set(
    holder,
    attribute,
    attribute.type === 'complex' && now !== null ? { ...(holder[attribute.name] as Json | undefined), ...(now as Json) } : now,
  );
}

function changePart(holder: Json, operation: Operation, sub: Attribute): void {
  const { op, place, value } = operation;
  requireValue(operation);
  const whole = { ...(holder[place.attribute.name] as Json | undefined) };
  set(whole, sub, op === 'remove' ? null : valueFor(sub, value));
  set(holder, place.attribute, whole);
}

function changeList(holder: Json, operation: Operation): void {
  const { op, place, entries, value } = operation;
  requireValue(operation);
  const { attribute, sub } = place;
  const before = (holder[attribute.name] as Json[] | undefined) ?? [];
  const chosen = (entry: Json) => entries === null || matchesEntry(entries, entry);
  if (op === 'remove') return set(holder, attribute, removed(before, operation, chosen));
  if (entries === null && sub === null) {
    const sent = (valueFor(attribute, value) as Json[] | null) ?? [];
    return set(holder, attribute, op === 'replace' ? onePrimary([], sent) : onePrimary(before, sent));
  }
  const change: Json =
    sub === null
      ? ((valueFor({ ...attribute, multiValued: undefined } as unknown as Attribute, value) as Json | null) ?? {})
      : { [sub.name]: valueFor(sub, value) };
  const found = before.some(chosen);
  const target = found ? before : [...before, entries === null ? {} : impliedBy(entries)];
  const isTarget = (entry: Json) => (found ? chosen(entry) : entry === target.at(-1));
  const changed = target.map((entry) =>
    isTarget(entry) ? without(op === 'replace' && sub === null ? { ...(found ? {} : entry), ...change } : { ...entry, ...change }) : entry,
  );
  set(
    holder,
    attribute,
    change['primary'] === true
      ? changed.map((entry, at) => (isTarget(target[at] ?? {}) ? entry : lowered(entry)))
      : changed.filter((entry) => !isEmpty(entry)),
  );
}

const without = (entry: Json): Json => Object.fromEntries(Object.entries(entry).filter(([, value]) => value !== null));
const lowered = (entry: Json): Json => (entry['primary'] === true ? { ...entry, primary: false } : entry);

function removed(before: readonly Json[], { place, entries, value }: Operation, chosen: (entry: Json) => boolean): Json[] {
  const { attribute, sub } = place;
  if (sub !== null) {
    const cut = (entry: Json) => Object.fromEntries(Object.entries(entry).filter(([name]) => name !== sub.name));
    return before.map((entry) => (chosen(entry) ? cut(entry) : entry)).filter((entry) => !isEmpty(entry));
  }
  if (entries !== null || value === undefined || value === null) return before.filter((entry) => !chosen(entry));
  // Entra names what goes by its value.
  const named = (valueFor(attribute, value) as Json[] | null) ?? [];
  return before.filter((entry) => !named.some((each) => Object.entries(each).every(([name, part]) => entry[name] === part)));
}

/** Adds what is not there yet. A new primary entry takes the place of the old one. */
function onePrimary(before: readonly Json[], sent: readonly Json[]): Json[] {
  const isSame = (a: Json, b: Json) => JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
  const fresh = sent.filter(
    (entry, at) => !before.some((each) => isSame(each, entry)) && sent.findIndex((each) => isSame(each, entry)) === at,
  );
  const isTaken = fresh.some((entry) => entry['primary'] === true);
  return [...(isTaken ? before.map(lowered) : before), ...fresh];
}
const sorted = (entry: Json) => Object.entries(entry).sort(([a], [b]) => (a < b ? -1 : 1));

/** An entry that the filter would choose, as far as it says what is equal: `[type eq "work"]`. */
function impliedBy(filter: Filter): Json {
  if (filter.kind === 'and') return Object.assign({}, ...filter.parts.map(impliedBy)) as Json;
  if (filter.kind === 'compare' && filter.operator === 'eq' && filter.value !== null)
    return { [filter.place.sub?.name ?? 'value']: filter.value };
  throw new ScimError(400, 'noTarget', 'No entry of the list matches');
}
