import { extensionOf, placeOf, type Place } from './attribute-path.ts';
import type { Json } from './filter-match.ts';
import { copyOf } from './normalise.ts';
import type { ResourceType } from './schema.ts';
import { ScimError } from './scim-error.ts';

/** What of a resource is asked for (RFC 7644 §3.9). */
export interface Projection {
  only: readonly Place[] | null;
  without: readonly Place[];
  /** extensions named as a whole */
  extensions: readonly string[];
}

export const EVERYTHING: Projection = { only: null, without: [], extensions: [] };
const ALWAYS = ['id', 'schemas'];

/** Names that are not known are passed over, as nothing of that name is there. @throws ScimError when both are given */
export function readProjection(type: ResourceType, attributes: readonly string[] | null, excluded: readonly string[] | null): Projection {
  if (attributes !== null && excluded !== null)
    throw new ScimError(400, 'invalidValue', 'Ask with attributes or with excludedAttributes, not with both');
  const names = (attributes ?? excluded ?? []).slice(0, 100);
  const places = names.flatMap((name) => placeOf(type, name) ?? []);
  const extensions = names.flatMap((name) => extensionOf(type, name)?.schema ?? []);
  if (attributes !== null) return { only: places, without: [], extensions };
  return { only: null, without: places, extensions };
}

/** Whether a list that is costly to read is to be shown. */
export function shows({ only, without }: Projection, name: string): boolean {
  if (only !== null) return only.some(({ attribute }) => attribute.name === name);
  return !without.some(({ attribute, sub }) => attribute.name === name && sub === null);
}

export function projected({ only, without, extensions }: Projection, resource: Json): Json {
  if (only !== null) return chosen(only, extensions, resource);
  const result = copyOf(resource);
  for (const schema of extensions) Reflect.deleteProperty(result, schema);
  for (const place of without) drop(result, place);
  return result;
}

function chosen(places: readonly Place[], extensions: readonly string[], resource: Json): Json {
  const result: Json = {};
  for (const name of ALWAYS) if (resource[name] !== undefined) result[name] = resource[name];
  for (const schema of extensions) if (resource[schema] !== undefined) result[schema] = resource[schema];
  for (const { extension, attribute, sub } of places) {
    const from = extension === null ? resource : ((resource[extension] ?? {}) as Json);
    const value = from[attribute.name];
    if (value === undefined) continue;
    const to = extension === null ? result : ((result[extension] ??= {}) as Json);
    to[attribute.name] = sub === null ? value : merged(to[attribute.name], picked(value, sub.name));
  }
  return result;
}

const picked = (value: unknown, name: string): unknown =>
  Array.isArray(value)
    ? value.map((entry: Json) => picked(entry, name))
    : { ...((value as Json)[name] === undefined ? {} : { [name]: (value as Json)[name] }) };

const merged = (before: unknown, now: unknown): unknown => {
  if (before === undefined) return now;
  if (Array.isArray(before) && Array.isArray(now)) return before.map((entry: Json, at) => ({ ...entry, ...(now[at] as Json) }));
  return { ...(before as Json), ...(now as Json) };
};

function drop(resource: Json, { extension, attribute, sub }: Place): void {
  if (attribute.returned === 'always') return;
  const holder = (extension === null ? resource : resource[extension]) as Json | undefined;
  if (!holder) return;
  if (sub === null) Reflect.deleteProperty(holder, attribute.name);
  else for (const entry of [holder[attribute.name] ?? []].flat() as Json[]) Reflect.deleteProperty(entry, sub.name);
}
