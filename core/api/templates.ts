import { z } from 'zod';
import { TEMPLATE_ROLES } from '../access/template-acl.ts';
import { idSchema } from '../ids.ts';
import { isSourceUrl, listOf, multiline, page, searchText, text, time } from './common.ts';
import { templateApp } from './template-apps.ts';
import { templateImage } from './template-image.ts';
import { templateLimits } from './template-limits.ts';
import { templateNetwork } from './template-network.ts';
import { templateRootfs } from './template-rootfs.ts';
import { templateSchedule } from './template-schedule.ts';
import { fillIn, parameterFaults, referencesIn, templateParameters } from './template-parameters.ts';
import { versionState } from './version-state.ts';

/** git over https, no credentials inside; http only to the runner's own loopback, as tests and labs serve it */
export const repositoryUrl = z
  .string()
  .trim()
  .max(500)
  .refine((value) => value === '' || isSourceUrl(value), 'must be an https:// address without a user name, or empty');

export const SANDBOX_DRIVERS = ['bubblewrap', 'container', 'process'] as const;
export const TEMPLATE_ICONS = [
  'box',
  'braces',
  'bug',
  'cloud',
  'code',
  'container',
  'cpu',
  'database',
  'flask',
  'globe',
  'rocket',
  'server',
  'shield',
  'terminal',
] as const;

const envName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,63}$/, 'must be a name of letters, digits and _');

const labelKey = z.string().regex(/^[A-Za-z0-9]([A-Za-z0-9._/-]{0,61}[A-Za-z0-9])?$/, 'must be the name of a label');
const labelValue = text(63, 0);
/** What git takes as a name (git-check-ref-format), where a reference may be anything. */
const isBranch = (value: string) => {
  const name = fillIn(value, {});
  return value.length <= 200 && !/^[-/.]|[\s~^:?*[\\\p{Cc}]|\.\.|\/\/|@\{|[/.]$|\.lock$/u.test(name);
};

export const templateSpec = z.object({
  repository: repositoryUrl.default(''),
  /** run by `bash` in the workspace's home at each start, after the clone */
  startupScript: multiline(20_000).default(''),
  environment: z
    .record(envName, multiline(4000))
    .refine((vars) => Object.keys(vars).length <= 50, 'must have at most 50 variables')
    .default({}),
  apps: z.array(templateApp).max(20).default([]),
  /** `bubblewrap`: only on runners that isolate; `container`: only on those with Docker or Podman; `process`: also on runners that can't */
  driver: z.enum(SANDBOX_DRIVERS).default('bubblewrap'),
  limits: templateLimits.prefault({}),
  rootfs: templateRootfs.default(null),
  /** of the driver `container` */
  image: templateImage.default(null),
  network: templateNetwork.prefault({}),
  /** what whoever makes a workspace chooses */
  parameters: templateParameters.default([]),
  /** of the repository, cloned into a new workspace; empty: its default. `${{ parameter.name }}` stands for a value */
  branch: z.string().default(''),
  /** run by `bash` before a workspace stops, for 30 seconds at most */
  stopScript: multiline(20_000).default(''),
  /** only runners that have all of these labels take it */
  runnerLabels: z
    .record(labelKey, labelValue)
    .refine((all) => Object.keys(all).length <= 20, 'must have at most 20 labels')
    .default({}),
  /** when its workspaces stop by themselves */
  schedule: templateSchedule.default(null),
});
export type TemplateSpec = z.infer<typeof templateSpec>;

/** Content as it is written by people must hold together, too. */
export function checkSpec(
  spec: TemplateSpec,
  refused: { addIssue(issue: { code: 'custom'; path: (string | number)[]; message: string }): void },
): void {
  const fault = (path: (string | number)[], message: string) => refused.addIssue({ code: 'custom', path, message });
  for (const { path, message } of parameterFaults(spec.parameters)) fault(['parameters', ...path], message);
  const known = new Set(spec.parameters.map(({ name }) => name));
  const refer = (path: string[], value: string) => {
    for (const name of referencesIn(value)) if (!known.has(name)) fault(path, `refers to the parameter “${name}”, which is not defined`);
  };
  for (const [name, value] of Object.entries(spec.environment)) refer(['environment', name], value);
  refer(['branch'], spec.branch);
  if (!isBranch(spec.branch)) fault(['branch'], 'must be the name of a branch or tag, without spaces');
  else if (spec.branch !== '' && spec.repository === '') fault(['branch'], 'needs a repository');
  const isContainer = spec.driver === 'container';
  if (isContainer && spec.image === null) fault(['image'], 'is needed by the driver container: registry/name@sha256:…');
  if (!isContainer && spec.image !== null) fault(['image'], 'needs the driver container');
  if (isContainer && spec.rootfs !== null) fault(['rootfs'], 'is not for the driver container, whose programs come from its image');
}
export const writtenSpec = templateSpec.superRefine(checkSpec);

export const templateName = z
  .string()
  .trim()
  .toLowerCase()
  .regex(/^[a-z0-9][a-z0-9-]{0,38}[a-z0-9]$/, 'must have 2 to 40 small letters, digits or hyphens');

export const templateCreate = z.object({
  name: templateName,
  description: text(300, 0).default(''),
  icon: z.enum(TEMPLATE_ICONS).default('code'),
  spec: writtenSpec.prefault({}),
});
const LONGEST_FILE = 200_000;
/** A file as `core/api/template-file.ts` reads it. */
export const templateImport = z.object({
  file: z.string().min(1, 'must not be empty').max(LONGEST_FILE, `must have at most ${LONGEST_FILE} characters`),
  /** instead of the name in the file */
  name: templateName.optional(),
});
export const templateUpdate = z.object({ description: text(300, 0), icon: z.enum(TEMPLATE_ICONS) }).partial();

export const templateRole = z.enum(TEMPLATE_ROLES);
/** What a list of templates is narrowed to: what the caller may do with them. */
export const TEMPLATE_LISTS = ['use', 'ask', 'administer'] as const;
export const templateQuery = page.extend({ q: searchText.optional(), may: z.enum(TEMPLATE_LISTS).optional() });
export const template = z.object({
  id: idSchema('template'),
  name: z.string(),
  description: z.string(),
  icon: z.enum(TEMPLATE_ICONS),
  version: z.object({ id: idSchema('templateVersion'), number: z.number().int(), createdAt: time }),
  /** what the caller may do with it */
  role: templateRole,
  /** the caller has asked for it and nobody has decided yet */
  asked: z.boolean(),
  workspaces: z.number().int(),
  createdAt: time,
});
export type Template = z.infer<typeof template>;
export const templateList = listOf(template);
export const templateDetail = template.extend({ spec: templateSpec });

export const versionNotes = multiline(2000);
export const templateVersionCreate = z.object({
  spec: writtenSpec,
  /** what is new, for those who update */
  notes: versionNotes.default(''),
  /** a draft can be changed and tried by administrators before anybody else gets it */
  state: z.enum(['draft', 'published']).default('published'),
});
/** `spec` of a draft only; notes of any version */
export const templateVersionChange = z.object({ spec: writtenSpec, notes: versionNotes }).partial();
/** from when on workspaces of older versions start as this one; null: no more */
export const templateVersionRequire = z.object({ from: time.nullable() });
export const templateVersion = z.object({
  id: idSchema('templateVersion'),
  number: z.number().int(),
  state: versionState,
  spec: templateSpec,
  notes: z.string(),
  createdBy: z.string(),
  createdAt: time,
  publishedAt: time.nullable(),
  requiredFrom: time.nullable(),
  /** made from it and not deleted */
  workspaces: z.number().int(),
});
export type TemplateVersion = z.infer<typeof templateVersion>;
export const versionDiffQuery = z.object({
  from: z.coerce.number<number | string>().int().min(1),
  to: z.coerce.number<number | string>().int().min(1),
});
/** `secret`: that it changed is all that is told */
export const specChange = z.object({ path: z.string(), old: z.unknown(), new: z.unknown(), secret: z.boolean() });
export const versionDiff = z.object({ changes: z.array(specChange) });
export const templateVersionList = listOf(templateVersion);

export const aclSubject = z.discriminatedUnion('type', [
  z.object({ type: z.literal('user'), id: idSchema('user') }),
  z.object({ type: z.literal('group'), id: idSchema('group') }),
  z.object({ type: z.literal('everyone') }),
]);
/** `grantId`: the approved request that made the entry; such entries can be kept, ended earlier or left out, not written */
export const aclEntry = z.object({
  subject: aclSubject,
  role: templateRole,
  expiresAt: time.nullable().default(null),
  grantId: idSchema('accessRequest').nullable().default(null),
});
const people = z.number().int().describe('active people');
/** What is beside the entry is for people, and ignored in what is sent: its subject's name, how many it reaches, who wrote it. */
export const aclShown = z.object({
  items: z.array(aclEntry.extend({ name: z.string(), people, givenBy: z.string().nullable() })),
  /** who can do at least that, through whatever, tenant-wide roles included */
  reach: z.object({ view: people, use: people, admin: people }),
});
export const aclPut = z.object({ items: z.array(aclEntry).max(200) });
