import { Document, parseDocument, visit } from 'yaml';
import { z } from 'zod';
import { lineFinder } from '../access/config-file.ts';
import type { FieldError } from '../errors.ts';
import { text } from './common.ts';
import { secretName } from './template-secrets.ts';
import { checkSpec, TEMPLATE_ICONS, templateName, templateSpec, versionNotes } from './templates.ts';

/**
 * One template as one file: what its newest version says. Access, policy and the values of secrets are not in it; of
 * secrets it has the names, so that whoever imports it knows what to set.
 */
const templateFile = z.strictObject({
  /** of the format */
  gatehouse: z.literal('template/1', { error: 'must be template/1: the kind of file, and its version' }),
  name: templateName,
  description: text(300, 0).default(''),
  icon: z.enum(TEMPLATE_ICONS).default('code'),
  notes: versionNotes.default(''),
  secrets: z.array(secretName).max(50).default([]),
  spec: z.strictObject(templateSpec.shape).superRefine(checkSpec).prefault({}),
});
export type TemplateFile = Omit<z.infer<typeof templateFile>, 'gatehouse'>;

/** The file, the same for the same template; what says nothing is left out. */
export function writeTemplateFile({ name, description, icon, notes, secrets, spec }: TemplateFile): string {
  const silent: Record<string, unknown> = templateSpec.parse({});
  const said = Object.entries(spec).filter(([key, value]) => JSON.stringify(value) !== JSON.stringify(silent[key]));
  const file = {
    ...{ gatehouse: 'template/1', name },
    ...(description !== '' && { description }),
    icon,
    ...(notes !== '' && { notes }),
    ...(secrets.length > 0 && { secrets }),
    spec: Object.fromEntries(said),
  };
  const document = new Document(file, { aliasDuplicateObjects: false });
  visit(document, {
    Scalar: (_, scalar) => {
      // Written in block style, a line of nothing but blanks would come back without them.
      if (typeof scalar.value === 'string' && /^[ \t]+$/m.test(scalar.value)) scalar.type = 'QUOTE_DOUBLE';
    },
  });
  return document.toString({ lineWidth: 0 });
}

/** Reads a file. What is wrong is told with its field and line. */
export function readTemplateFile(source: string): { file: TemplateFile } | { errors: FieldError[] } {
  const document = parseDocument(source, { schema: 'core', uniqueKeys: true, prettyErrors: true });
  const broken = [...document.errors, ...document.warnings];
  if (broken.length > 0) return { errors: broken.map(({ message }) => ({ path: 'file', message: message.split('\n')[0] ?? message })) };
  let plain: unknown;
  try {
    plain = document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    return { errors: [{ path: 'file', message: error instanceof Error ? error.message : String(error) }] };
  }
  const parsed = templateFile.safeParse(plain);
  if (parsed.success) {
    const { gatehouse: _format, ...file } = parsed.data;
    return { file };
  }
  const lineOf = lineFinder(source);
  return { errors: parsed.error.issues.flatMap((issue) => faultsOf(issue, lineOf)) };
}

function faultsOf(issue: z.core.$ZodIssue, lineOf: (path: string) => number | null): FieldError[] {
  const paths = issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...issue.path, key]) : [issue.path];
  const message = issue.code === 'unrecognized_keys' ? 'is no field of a template' : innerMessage(issue);
  return paths.map((path) => {
    const dotted = path.join('.');
    const line = lineOf(dotted);
    return { path: dotted === '' ? 'file' : dotted, message: line === null ? message : `${message} (line ${line})` };
  });
}

/** What is wrong with a name among freely named values stands one level deeper. */
const innerMessage = (issue: z.core.$ZodIssue): string =>
  issue.code === 'invalid_key' ? (issue.issues[0]?.message ?? issue.message) : issue.message;
