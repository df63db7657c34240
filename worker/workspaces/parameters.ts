import { carryOver, fillIn, parameterEnvironment, valueFaults, valuesSchema } from '@gatehouse/core/api/template-parameters.ts';
import { parameterValues, type ParameterValues } from '@gatehouse/core/api/parameter-values.ts';
import type { TemplateSpec } from '@gatehouse/core/api/templates.ts';
import { AppError } from '@gatehouse/core/errors.ts';

export const parseValues = (text: string): ParameterValues => parameterValues.parse(JSON.parse(text));

/**
 * The values of a new workspace, defaults included.
 * @throws AppError `invalid` with a path for each parameter that is wrong
 */
export function resolveValues({ parameters }: Pick<TemplateSpec, 'parameters'>, given: ParameterValues): ParameterValues {
  const parsed = valuesSchema(parameters).safeParse(given);
  if (parsed.success) return parsed.data;
  const errors = valueFaults(parameters, given).map(({ path, message }) => ({ path: `parameters.${path}`, message }));
  throw new AppError('invalid', 'Some parameters are wrong', { errors });
}

/**
 * The values of a workspace that goes on with another version: what it has, and what is given now.
 * @throws AppError `invalid` also for a value that can't be changed
 */
export function nextValues(
  { parameters }: Pick<TemplateSpec, 'parameters'>,
  had: ParameterValues,
  given: ParameterValues,
): ParameterValues {
  const values = resolveValues({ parameters }, { ...carryOver(parameters, had), ...given });
  const errors = parameters
    .filter(({ name, immutable }) => immutable && had[name] !== undefined && values[name] !== had[name])
    .map(({ name }) => ({ path: `parameters.${name}`, message: 'can’t be changed once the workspace is made' }));
  if (errors.length > 0) throw new AppError('invalid', 'Some parameters are wrong', { errors });
  return values;
}

/** What a workspace has, and the defaults of what it was never asked for. */
export function withDefaults({ parameters }: Pick<TemplateSpec, 'parameters'>, values: ParameterValues): ParameterValues {
  const parsed = valuesSchema(parameters).safeParse(carryOver(parameters, values));
  return parsed.success ? parsed.data : values;
}

/** All variables that a workspace's programs find. What the version says by hand wins over a parameter's own variable. */
export function environmentOf(spec: TemplateSpec, values: ParameterValues): Record<string, string> {
  const all = withDefaults(spec, values);
  const own = Object.entries(spec.environment).map(([name, value]) => [name, fillIn(value, all)]);
  return { ...parameterEnvironment(all), ...(Object.fromEntries(own) as Record<string, string>) };
}
