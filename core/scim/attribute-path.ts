import { COMMON, type Attribute, type ResourceType } from './schema.ts';

/** A declared attribute, or a part of one. */
export interface Place {
  /** null: of the resource’s own schema */
  extension: string | null;
  attribute: Attribute;
  sub: Attribute | null;
}

const isNamed = (name: string) => (each: Attribute) => each.name.toLowerCase() === name.toLowerCase();
const startsWith = (text: string, start: string) => text.slice(0, start.length).toLowerCase() === start.toLowerCase();

/** The attribute of that name, without regard to case: `userName`, `name.familyName`, `urn:…:User:department`. */
export function placeOf(type: ResourceType, text: string): Place | null {
  for (const { schema, attributes } of [{ schema: type.schema, attributes: null }, ...type.extensions]) {
    if (!startsWith(text, `${schema}:`)) continue;
    const rest = text.slice(schema.length + 1);
    return attributes === null ? within(null, [...COMMON, ...type.attributes], rest) : within(schema, attributes, rest);
  }
  return within(null, [...COMMON, ...type.attributes], text);
}

function within(extension: string | null, attributes: readonly Attribute[], text: string): Place | null {
  const [name = '', subName, ...more] = text.split('.');
  const attribute = attributes.find(isNamed(name));
  if (!attribute || more.length > 0) return null;
  if (subName === undefined) return { extension, attribute, sub: null };
  const sub = subOf(attribute, subName);
  return sub && { extension, attribute, sub };
}

export const subOf = (attribute: Attribute, name: string): Attribute | null => attribute.subs?.find(isNamed(name)) ?? null;

/** The extension of that name, if the text is one and nothing more. */
export const extensionOf = (type: ResourceType, text: string) =>
  type.extensions.find(({ schema }) => schema.toLowerCase() === text.toLowerCase()) ?? null;

/** As it is written in an answer: `name.familyName`. */
export const nameOf = ({ extension, attribute, sub }: Place): string =>
  `${extension === null ? '' : `${extension}:`}${attribute.name}${sub ? `.${sub.name}` : ''}`;
