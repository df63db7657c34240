import { valueFaults, type TemplateParameter } from '@gatehouse/core/api/template-parameters.ts';
import type { ParameterValues } from '@gatehouse/core/api/parameter-values.ts';

/** Values as they are typed, by name; nothing typed is no value. */
export type TypedValues = Record<string, string>;

/** What the form begins with: what is there, else the defaults. */
export const typedOf = (parameters: readonly TemplateParameter[], values: ParameterValues = {}): TypedValues =>
  Object.fromEntries(parameters.map(({ name, default: otherwise }) => [name, String(values[name] ?? otherwise ?? '')]));

/** What is sent. What is no number goes as it was typed, and is refused with words. */
export function valuesOf(parameters: readonly TemplateParameter[], typed: TypedValues): ParameterValues {
  return Object.fromEntries(
    parameters.flatMap(({ name, type }): [string, string | number | boolean][] => {
      const text = typed[name] ?? '';
      if (text === '') return [];
      switch (type) {
        case 'number':
          return [[name, text.trim() === '' || Number.isNaN(Number(text)) ? text : Number(text)]];
        case 'bool':
          return [[name, text === 'true']];
        case 'text':
        case 'choice':
          return [[name, text]];
      }
    }),
  );
}

/** What the server would refuse, by path as in its problem. */
export const faultsOf = (parameters: readonly TemplateParameter[], typed: TypedValues): Record<string, string> =>
  Object.fromEntries(valueFaults(parameters, valuesOf(parameters, typed)).map(({ path, message }) => [`parameters.${path}`, message]));
