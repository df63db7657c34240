import { explainTemplateAccess } from '@gatehouse/core/access/explain.ts';
import { csvLine } from '@gatehouse/core/api/csv.ts';
import type { AccessPath, ReviewFilter, ReviewRow } from '@gatehouse/core/api/access.ts';
import { commit, eventOf, require } from '../platform/commit.ts';
import type { Context, UserContext } from '../platform/context.ts';
import { closureFrom, closureQueries } from './explain.store.ts';
import { withNames } from './explain.ts';
import { findTemplatesFrom, findTemplatesOf, peopleFrom, peopleOf, type ReviewedPerson, type ReviewedTemplate } from './review.store.ts';

/** Where a list goes on: in that template, after that person. */
export interface ReviewPosition {
  template: string;
  user: string;
}
export interface ReviewPage {
  rows: ReviewRow[];
  next: ReviewPosition | null;
}

const START: ReviewPosition = { template: '', user: '' };
/** Templates that are looked at in one trip, and in one page: a page may be short when few of them have anybody. */
const AT_ONCE = 10;
const PER_PAGE = 60;
const EXPORT_PAGE = 500;
/** Beyond it the export breaks off instead of ending early unseen. */
const EXPORT_ROWS = 200_000;

const review = (action: 'access.review' | 'access.export') => ({
  action,
  resource: { type: 'policy' as const, id: null, name: 'Access review' },
});

/**
 * Who can use what, and why: by template, then by person in the order in which they joined.
 * @throws AppError `permission-denied`
 */
export async function reviewAccess(
  ctx: Context,
  filter: ReviewFilter,
  page: { limit: number; after: ReviewPosition | null },
): Promise<ReviewPage> {
  return readPage(await require(ctx, 'access:review', review('access.review')), filter, page);
}

async function readPage(
  ctx: UserContext,
  filter: ReviewFilter,
  { limit, after }: { limit: number; after: ReviewPosition | null },
): Promise<ReviewPage> {
  const find = filter.userId === undefined ? findTemplatesFrom : findTemplatesOf;
  const start = after ?? START;
  const templates = await find(ctx, filter, start.template, PER_PAGE + 1);
  const pairs: Array<{ template: ReviewedTemplate; person: ReviewedPerson }> = [];
  let looked = 0;
  // The first template alone often fills the page.
  for (let step = 1; looked < Math.min(templates.length, PER_PAGE) && pairs.length <= limit; step = AT_ONCE) {
    const chunk = templates.slice(looked, Math.min(looked + step, PER_PAGE));
    const queries = chunk.map(({ id, name }) =>
      peopleOf(ctx, id, filter, { after: name === start.template ? start.user : '', limit: limit + 1 }),
    );
    const found = await ctx.db.batch(queries);
    chunk.forEach((template, index) => pairs.push(...peopleFrom(found[index]?.rows ?? []).map((person) => ({ template, person }))));
    looked += chunk.length;
  }
  const shown = pairs.slice(0, limit);
  return { rows: await explainPairs(ctx, shown), next: nextOf(pairs, shown, templates, looked) };
}

function nextOf(
  pairs: ReadonlyArray<{ template: ReviewedTemplate; person: ReviewedPerson }>,
  shown: typeof pairs,
  templates: readonly ReviewedTemplate[],
  looked: number,
): ReviewPosition | null {
  const last = shown.at(-1);
  if (pairs.length > shown.length && last) return { template: last.template.name, user: last.person.id };
  const unseen = templates[looked];
  return unseen ? { template: unseen.name, user: '' } : null;
}

async function explainPairs(
  ctx: UserContext,
  pairs: ReadonlyArray<{ template: ReviewedTemplate; person: ReviewedPerson }>,
): Promise<ReviewRow[]> {
  if (pairs.length === 0) return [];
  const distinct = (ids: string[]) => [...new Set(ids)];
  const people = distinct(pairs.map(({ person }) => person.id));
  const templates = distinct(pairs.map(({ template }) => template.id));
  const [edges, entries, roles] = await ctx.db.batch(closureQueries(ctx.db.tenantId, people, templates));
  const closure = closureFrom(edges, entries, roles);
  const now = ctx.now().toISOString();
  return pairs.flatMap(({ template, person }) => {
    const { memberships, givenRoles } = closure;
    const facts = { userId: person.id, active: true, memberships, entries: closure.entries.get(template.id) ?? [], givenRoles };
    const { role, paths, until, truncated } = explainTemplateAccess(facts, now);
    // Gone between the two trips.
    if (role === null) return [];
    return [{ template, user: person, role, until, truncated, paths: paths.map((path) => withNames(path, closure.names)) }];
  });
}

const HEADER = ['Template', 'Person', 'E-mail', 'Role', 'Until (UTC)', 'Why'];

/**
 * The whole review as CSV, made while it is read. That it is exported is an event, before the first row leaves.
 * @throws AppError `permission-denied`
 */
export async function exportReview(ctx: Context, filter: ReviewFilter): Promise<ReadableStream<Uint8Array>> {
  const facts = review('access.export');
  const user = await require(ctx, 'access:review', facts);
  await commit(user, { events: [eventOf(user, { ...facts, status: 200, details: filterDetails(filter) })] });
  const encoder = new TextEncoder();
  let after: ReviewPosition | null = null;
  let rows = 0;
  return new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(encoder.encode(csvLine(HEADER))),
    async pull(controller) {
      const page: ReviewPage = await readPage(user, filter, { limit: EXPORT_PAGE, after });
      rows += page.rows.length;
      if (rows > EXPORT_ROWS)
        return controller.error(new Error(`An export has at most ${EXPORT_ROWS} rows: choose a template, a person or a group`));
      controller.enqueue(encoder.encode(page.rows.map((row) => csvLine(cellsOf(row))).join('')));
      after = page.next;
      if (after === null) controller.close();
    },
  });
}

const filterDetails = (filter: ReviewFilter): Record<string, string> =>
  Object.fromEntries(Object.entries(filter).filter((entry): entry is [string, string] => entry[1] !== undefined));

const cellsOf = ({ template, user, role, until, paths, truncated }: ReviewRow): string[] => [
  ...[template.name, user.name, user.email, role, until ?? 'no end'],
  [...paths.map(pathWords), ...(truncated ? ['and more ways'] : [])].join('; '),
];

/** A path in one line: "Night rota > On-call: use until 2026-11-30T18:00:00.000Z". */
function pathWords({ groups, by, role, expiresAt }: AccessPath): string {
  const through = groups.map(({ name }) => name).join(' > ');
  const source =
    by.kind === 'role'
      ? `role ${by.name}`
      : by.subject === 'everyone'
        ? 'Everyone'
        : by.grantId === null
          ? 'own entry'
          : 'approved request';
  const from = through === '' ? source : by.kind === 'role' ? `${through} > ${source}` : through;
  return `${from}: ${role}${expiresAt === null ? '' : ` until ${expiresAt}`}`;
}
