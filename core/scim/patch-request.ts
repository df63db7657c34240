import { extensionOf, placeOf, subOf, type Place } from './attribute-path.ts';
import { parseEntryFilter, type Filter } from './filter.ts';
import { isServersOwn, isWritable, objectOf } from './normalise.ts';
import type { ResourceType } from './schema.ts';
import { invalidPath, ScimError } from './scim-error.ts';

export const PATCH_SCHEMA = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
export const MAX_OPERATIONS = 20_000;

/** One change of one attribute, whatever shape it was sent in. */
export interface Operation {
  op: 'add' | 'replace' | 'remove';
  place: Place;
  /** which entries of a list; null: no brackets */
  entries: Filter | null;
  /** undefined: none was sent */
  value: unknown;
}

/**
 * The operations of a PATCH in the one form that all others mean: `Add`, values without a path, dotted and full names, names in any case.
 * @throws ScimError
 */
export function readPatch(type: ResourceType, body: unknown): Operation[] {
  const sent = objectOf(body, 'The body');
  const [, operations] = Object.entries(sent).find(([key]) => key.toLowerCase() === 'operations') ?? [];
  if (!Array.isArray(operations) || operations.length === 0)
    throw new ScimError(400, 'invalidSyntax', 'Operations must be a list with at least one entry');
  if (operations.length > MAX_OPERATIONS)
    throw new ScimError(413, 'tooMany', `A request has at most ${MAX_OPERATIONS.toLocaleString('en-GB')} operations`);
  return operations.flatMap((each: unknown) => readOperation(type, each));
}

function readOperation(type: ResourceType, sent: unknown): Operation[] {
  const fields = new Map(Object.entries(objectOf(sent, 'An operation')).map(([key, value]) => [key.toLowerCase(), value]));
  const [kind, path, value] = [fields.get('op'), fields.get('path'), fields.get('value')];
  const op = (['add', 'replace', 'remove'] as const).find((name) => typeof kind === 'string' && name === kind.toLowerCase());
  if (!op) throw new ScimError(400, 'invalidSyntax', 'op must be add, replace or remove');
  if (path === undefined || path === null || path === '') return withoutPath(type, op, value);
  if (typeof path !== 'string') throw invalidPath('path must be text');
  const extension = extensionOf(type, path);
  if (extension) {
    if (op === 'remove')
      return extension.attributes.map((attribute) => ({
        op,
        place: { extension: extension.schema, attribute, sub: null },
        entries: null,
        value,
      }));
    return withoutPath(type, op, { [extension.schema]: value });
  }
  const { place, entries } = readPath(type, path);
  if (!isWritable(place)) throw new ScimError(400, 'mutability', `${path.slice(0, 200)} can’t be changed`);
  return [{ op, place, entries, value }];
}

/** Each name of the value is the path of its own change. What only Gatehouse sets is passed over: Okta sends a group’s id along. */
function withoutPath(type: ResourceType, op: Operation['op'], value: unknown): Operation[] {
  if (op === 'remove') throw new ScimError(400, 'noTarget', 'remove needs a path');
  return Object.entries(objectOf(value, 'A value without a path')).flatMap(([key, each]) => {
    if (isServersOwn(key)) return [];
    const extension = extensionOf(type, key);
    if (extension)
      return Object.entries(objectOf(each, key)).flatMap(([name, inner]) =>
        isServersOwn(name) ? [] : withoutPath(type, op, { [`${extension.schema}:${name}`]: inner }),
      );
    const { place, entries } = readPath(type, key);
    return isWritable(place) ? [{ op, place, entries, value: each }] : [];
  });
}

/** `emails`, `name.familyName`, `emails[type eq "work"].value`, `urn:…:User:manager`. @throws ScimError `invalidPath`, `invalidFilter` */
function readPath(type: ResourceType, text: string): Pick<Operation, 'place' | 'entries'> {
  const unknown = () => invalidPath(`There is no attribute ${text.slice(0, 200)}`);
  const open = text.indexOf('[');
  if (open < 0) {
    const place = placeOf(type, text.trim());
    if (!place) throw unknown();
    return { place, entries: null };
  }
  const close = text.lastIndexOf(']');
  const list = placeOf(type, text.slice(0, open).trim());
  if (close < open || !list || list.sub !== null) throw unknown();
  if (!list.attribute.multiValued) throw invalidPath(`${list.attribute.name} is no list`);
  const after = text.slice(close + 1).trim();
  const sub = after === '' ? null : after.startsWith('.') ? subOf(list.attribute, after.slice(1)) : null;
  if (after !== '' && sub === null) throw unknown();
  return { place: { ...list, sub }, entries: parseEntryFilter(type, list, text.slice(open + 1, close)) };
}
