import { z } from 'zod';
import { multiline, text } from './common.ts';
import type { ParameterValue, ParameterValues } from './parameter-values.ts';

export const PARAMETER_TYPES = ['text', 'number', 'bool', 'choice'] as const;

/** Small, so that the upper-case name of its variable is no other one's. */
export const parameterName = z
  .string()
  .regex(/^[a-z][a-z0-9_]{0,39}$/, 'must have small letters, digits or _ and start with a letter, at most 40');

const head = {
  name: parameterName,
  label: text(80),
  help: text(300, 0).default(''),
  /** whoever makes a workspace must say it; what has a default counts as said */
  required: z.boolean().default(false),
  /** can't be changed once the workspace is made */
  immutable: z.boolean().default(false),
};
const isPattern = (value: string) => {
  try {
    new RegExp(value, 'u');
    return true;
  } catch {
    return false;
  }
};
/** Repetition inside repetition, alternatives under repetition or a reference back can take for ever on a hostile text. */
const isTame = (value: string) => !/[*+}]\s*\)\s*[*+{?]|\|[^()]*\)\s*[*+{]|\\[1-9k]/.test(value);
const pattern = z
  .string()
  .max(200)
  .refine(isPattern, 'must be a regular expression')
  .refine(isTame, 'must not repeat what repeats, nor refer back')
  .nullable()
  .default(null);

/** What whoever makes a workspace chooses. `pattern` counts for the whole text. */
export const templateParameter = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text'), ...head, default: multiline(1000).nullable().default(null), pattern }),
  z.object({
    type: z.literal('number'),
    ...head,
    default: z.number().nullable().default(null),
    min: z.number().nullable().default(null),
    max: z.number().nullable().default(null),
  }),
  z.object({ type: z.literal('bool'), ...head, default: z.boolean().nullable().default(null) }),
  z.object({
    type: z.literal('choice'),
    ...head,
    default: z.string().max(200).nullable().default(null),
    options: z.array(text(200)).min(1, 'must have at least one option').max(50),
  }),
]);
export type TemplateParameter = z.infer<typeof templateParameter>;
export const templateParameters = z.array(templateParameter).max(30);

function valueSchema(parameter: TemplateParameter): z.ZodType<ParameterValue> {
  switch (parameter.type) {
    case 'text': {
      const { pattern: allowed, required } = parameter;
      const any = required ? multiline(1000).min(1, 'must not be empty') : multiline(1000);
      if (allowed === null) return any;
      const whole = new RegExp(`^(?:${allowed})$`, 'u');
      return any.refine((value) => whole.test(value), `must match ${allowed}`);
    }
    case 'number': {
      const least = parameter.min ?? -Number.MAX_VALUE;
      const most = parameter.max ?? Number.MAX_VALUE;
      return z.number('must be a number').min(least, `must be at least ${least}`).max(most, `must be at most ${most}`);
    }
    case 'bool':
      return z.boolean('must be yes or no');
    case 'choice':
      return z.enum(parameter.options, `must be one of: ${parameter.options.join(', ')}`);
  }
}

/**
 * The schema of a workspace's values, made from the definitions: for the server, and for the form that asks for them.
 * Its output has a value for each parameter that has one, defaults included.
 */
export function valuesSchema(parameters: readonly TemplateParameter[]) {
  const fields = parameters.map((each) => {
    const value = valueSchema(each);
    if (each.default !== null) return [each.name, value.default(each.default)] as const;
    return [each.name, each.required ? value : value.optional()] as const;
  });
  return z.strictObject(Object.fromEntries(fields)) as z.ZodType<ParameterValues>;
}

/** What is wrong with values, by the parameter's name. */
export function valueFaults(parameters: readonly TemplateParameter[], values: ParameterValues): { path: string; message: string }[] {
  const { error } = valuesSchema(parameters).safeParse(values);
  return (error?.issues ?? []).flatMap((issue) => {
    if (issue.code === 'unrecognized_keys') return issue.keys.map((path) => ({ path, message: 'is no parameter of this version' }));
    const path = issue.path.join('.');
    return [{ path, message: values[path] === undefined ? 'must be given' : issue.message }];
  });
}

/** What is wrong with the definitions themselves: a path in the list, and the words for it. */
export function parameterFaults(parameters: readonly TemplateParameter[]): { path: (string | number)[]; message: string }[] {
  return parameters.flatMap((each, index) => {
    const faults: { path: (string | number)[]; message: string }[] = [];
    const say = (field: string, message: string) => faults.push({ path: [index, field], message });
    if (parameters.findIndex(({ name }) => name === each.name) < index) say('name', 'is there twice');
    if (each.type === 'number' && each.min !== null && each.max !== null && each.min > each.max) say('max', 'must not be below the least');
    else if (each.default !== null) {
      const { error } = valueSchema(each).safeParse(each.default);
      if (error) say('default', error.issues[0]?.message ?? 'is not allowed');
    }
    return faults;
  });
}

const REFERENCE = /\$\{\{\s*parameter\.([^\s}]*)\s*\}\}/g;

/** Names of the parameters that a text asks for as `${{ parameter.name }}`. */
export const referencesIn = (value: string): string[] => [...value.matchAll(REFERENCE)].map(([, name]) => name ?? '');

/** The text with the values in their places; one that has no value leaves nothing. What a value holds is not looked at again. */
export const fillIn = (value: string, values: ParameterValues): string =>
  value.replaceAll(REFERENCE, (_whole, name: string) => String(values[name] ?? ''));

export const variableOf = (name: string): string => `GATEHOUSE_PARAM_${name.toUpperCase()}`;

/** The values as programs find them in their environment. */
export const parameterEnvironment = (values: ParameterValues): Record<string, string> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [variableOf(name), String(value)]));

/** Values that go on with another version: what it does not have, or would not take, is left out. */
export function carryOver(parameters: readonly TemplateParameter[], values: ParameterValues): ParameterValues {
  return Object.fromEntries(
    parameters.flatMap((each): [string, ParameterValue][] => {
      const value = values[each.name];
      return value !== undefined && valueSchema(each).safeParse(value).success ? [[each.name, value]] : [];
    }),
  );
}
