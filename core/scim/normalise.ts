import { extensionOf, placeOf, subOf } from './attribute-path.ts';
import type { Json } from './filter-match.ts';
import { COMMON, type Attribute, type ResourceType } from './schema.ts';
import { invalidValue, ScimError } from './scim-error.ts';

/** Entries of one list of a person. */
const MAX_ENTRIES = 100;
const MAX_TEXT = 2_000;

export const copyOf = (resource: Json): Json => JSON.parse(JSON.stringify(resource)) as Json;

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);

/** @throws ScimError `invalidSyntax` */
export function objectOf(value: unknown, what: string): Json {
  if (!isObject(value)) throw new ScimError(400, 'invalidSyntax', `${what} must be an object`);
  return value;
}

/**
 * A resource as it is kept, from what a directory sent: names as declared whatever their case, booleans that were text, lists that were
 * single values, dotted names taken apart; what can’t be written, is unknown or is empty left out.
 * @throws ScimError `invalidValue`
 */
export function normalised(type: ResourceType, sent: Json): Json {
  const kept: Json = {};
  for (const [key, value] of Object.entries(sent)) {
    const extension = extensionOf(type, key);
    if (extension) {
      const inside = isObject(value) ? attributesOf(extension.attributes, value) : {};
      if (Object.keys(inside).length > 0) kept[extension.schema] = { ...(kept[extension.schema] as Json | undefined), ...inside };
      continue;
    }
    const place = placeOf(type, key);
    if (!place || place.attribute.readOnly || place.sub?.readOnly) continue;
    const holder = place.extension === null ? kept : ((kept[place.extension] ??= {}) as Json);
    if (place.sub === null) put(holder, place.attribute, valueFor(place.attribute, value));
    else if (!place.attribute.multiValued)
      put(holder, place.attribute, { ...(holder[place.attribute.name] as Json | undefined), [place.sub.name]: valueFor(place.sub, value) });
  }
  return kept;
}

function put(holder: Json, { name }: Attribute, value: unknown): void {
  if (value === null) Reflect.deleteProperty(holder, name);
  else holder[name] = value;
}

function attributesOf(attributes: readonly Attribute[], sent: Json): Json {
  const kept: Json = {};
  for (const [key, value] of Object.entries(sent)) {
    const attribute = attributes.find(({ name }) => name.toLowerCase() === key.toLowerCase());
    if (attribute && !attribute.readOnly) put(kept, attribute, valueFor(attribute, value));
  }
  return kept;
}

/** The value as that attribute has it; null: none. @throws ScimError `invalidValue` */
export function valueFor(attribute: Attribute, value: unknown): unknown {
  if (!attribute.multiValued) return oneFor(attribute, value);
  const entries = (Array.isArray(value) ? value : value === null || value === undefined ? [] : [value]).flatMap((entry: unknown) => {
    const one = oneFor(attribute, entry);
    return one === null ? [] : [one as Json];
  });
  if (attribute.name !== 'members' && entries.length > MAX_ENTRIES)
    throw invalidValue(`${attribute.name} has at most ${MAX_ENTRIES} entries`);
  return entries.length === 0 ? null : entries;
}

function oneFor(attribute: Attribute, value: unknown): unknown {
  if (value === null || value === undefined) return null;
  switch (attribute.type) {
    case 'complex':
      return partsFor(attribute, value);
    case 'boolean':
      return booleanFor(attribute, value);
    default:
      return textFor(attribute, value);
  }
}

/** A single text stands for the value: Entra sends a manager so. */
function partsFor(attribute: Attribute, value: unknown): Json | null {
  const sent = isObject(value) ? value : subOf(attribute, 'value') ? { value } : null;
  if (sent === null) throw invalidValue(`${attribute.name} has parts, and what was sent has none`);
  const parts = attributesOf(attribute.subs ?? [], sent);
  return Object.keys(parts).length === 0 ? null : parts;
}

function booleanFor({ name }: Attribute, value: unknown): boolean | null {
  if (typeof value === 'boolean') return value;
  if (typeof value !== 'string') throw invalidValue(`${name} is true or false`);
  const read = { true: true, false: false, '': null }[value.trim().toLowerCase()];
  if (read === undefined) throw invalidValue(`${name} is true or false`);
  return read;
}

function textFor({ name }: Attribute, value: unknown): string | null {
  if (typeof value === 'object') throw invalidValue(`${name} is text`);
  const text = String(value as string | number | boolean);
  if (text.length > MAX_TEXT) throw invalidValue(`${name} has at most ${MAX_TEXT} characters`);
  if (/\p{Cc}/u.test(text) && !/^(?:[^\p{Cc}]|[\t\r\n])*$/u.test(text)) throw invalidValue(`${name} has a control character`);
  return text === '' ? null : text;
}

export const isWritable = ({ attribute, sub }: { attribute: Attribute; sub: Attribute | null }): boolean =>
  !attribute.readOnly && !sub?.readOnly;

/** Whether a name is of what every resource has and nobody sends: it is passed over where whole resources are sent. */
export const isServersOwn = (key: string): boolean =>
  key.toLowerCase() === 'schemas' || COMMON.some(({ name, readOnly }) => readOnly && name.toLowerCase() === key.toLowerCase());
