import { z } from 'zod';
import { read } from '#lib/api/answer.ts';
import { abortable, api, type Call } from '#lib/api/client.ts';

/** What the page shows of a JSON schema. */
export interface Shape {
  type?: string | string[] | undefined;
  format?: string | undefined;
  enum?: unknown[] | undefined;
  minLength?: number | undefined;
  maxLength?: number | undefined;
  minimum?: number | undefined;
  maximum?: number | undefined;
  items?: Shape | undefined;
  oneOf?: Shape[] | undefined;
  properties?: Record<string, Shape> | undefined;
  required?: string[] | undefined;
}
const shape: z.ZodType<Shape> = z.object({
  type: z.union([z.string(), z.array(z.string())]).optional(),
  format: z.string().optional(),
  enum: z.array(z.unknown()).optional(),
  minLength: z.number().optional(),
  maxLength: z.number().optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  get items() {
    return shape.optional();
  },
  get oneOf() {
    return z.array(shape).optional();
  },
  get properties() {
    return z.record(z.string(), shape).optional();
  },
  required: z.array(z.string()).optional(),
});

const operation = z.object({
  summary: z.string(),
  description: z.string().optional(),
  tags: z.tuple([z.string()]),
  parameters: z.array(z.object({ name: z.string(), in: z.string(), required: z.boolean(), schema: shape })).default([]),
  requestBody: z.object({ content: z.object({ 'application/json': z.object({ schema: shape }) }) }).optional(),
});
const described = z.object({
  openapi: z.string(),
  info: z.object({ version: z.string() }),
  paths: z.record(z.string(), z.record(z.string(), operation)),
});
export type Described = z.infer<typeof described>;

/** The API's own description of itself. @throws ApiProblem */
export const reference = (call: Call = {}): Promise<Described> =>
  read(api['openapi.json'].$get({}, abortable(call)), z.looseObject({ openapi: z.string() }).pipe(described));

export interface Input {
  name: string;
  /** `path`, `query`, `header` or `body` */
  in: string;
  kind: string;
  required: boolean;
}
export interface Operation {
  method: string;
  path: string;
  summary: string;
  description: string;
  inputs: Input[];
}
export interface Group {
  name: string;
  operations: Operation[];
}

/** The operations by group, in the order of the document. */
export function groupsOf({ paths }: Described): Group[] {
  const groups = new Map<string, Operation[]>();
  for (const [path, item] of Object.entries(paths)) {
    for (const [method, { tags, summary, description = '', parameters, requestBody }] of Object.entries(item)) {
      const inputs = parameters.map(({ schema, ...rest }) => ({ ...rest, kind: kindOf(schema) }));
      const body = requestBody ? fieldsOf(requestBody.content['application/json'].schema) : [];
      const shown = { method: method.toUpperCase(), path, summary, description, inputs: [...inputs, ...body] };
      groups.set(tags[0], [...(groups.get(tags[0]) ?? []), shown]);
    }
  }
  return [...groups].map(([name, operations]) => ({ name, operations }));
}

/** Fields of a body, those of objects inside by their path: `user.email`. */
function fieldsOf(body: Shape, prefix = ''): Input[] {
  return Object.entries(body.properties ?? {}).flatMap(([key, field]) => {
    const name = prefix + key;
    const required = body.required?.includes(key) ?? false;
    if (field.properties) return fieldsOf(field, `${name}.`);
    return [{ name, in: 'body', kind: kindOf(field), required }];
  });
}

/** What may stand there, in a few words. */
function kindOf({ type, format, enum: words, items, oneOf, properties, ...limits }: Shape): string {
  if (words) return words.map(String).join(' | ');
  if (oneOf) return oneOf.map(kindOf).join(' or ');
  if (items) return `list of ${kindOf(items)}`;
  if (properties)
    return `{ ${Object.entries(properties)
      .map(([key, { enum: only }]) => (only?.length === 1 ? `${key}: ${String(only[0])}` : key))
      .join(', ')} }`;
  const least = limits.minimum ?? limits.minLength;
  const most = limits.maximum ?? limits.maxLength;
  const range =
    most === undefined || most >= Number.MAX_SAFE_INTEGER ? '' : least === undefined ? `, at most ${most}` : `, ${least} to ${most}`;
  return (format ?? [type ?? 'any'].flat().join(' or ')) + range;
}
