import { CONFIG_SECTIONS, type ConfigSection } from '@gatehouse/core/access/config-file.ts';
import type { Permission } from '@gatehouse/core/access/permissions.ts';
import type { ConfigLine } from '@gatehouse/core/api/config.ts';
import { policiesFrom, policyQuery, scopesOf, TENANT_SCOPE } from '../directory/policies.ts';
import { commit, eventOf, require } from '../platform/commit.ts';
import type { Context, UserContext } from '../platform/context.ts';
import { CONFIG_PARTS, type ConfigPart } from './config.store.ts';

/** Rows of one statement: the answer is made while it is sent, so that a large organisation needs no more memory than a small one. */
const AT_ONCE = 2000;

/** What one must be allowed to see for each section, beside reviewing access. Lists name people and groups. */
const NEEDS: Record<ConfigSection, readonly Permission[]> = {
  policy: ['policy:read'],
  roles: ['role:read'],
  groups: ['group:read', 'user:read'],
  assignments: ['role:read', 'group:read', 'user:read'],
  templates: ['group:read', 'user:read', 'policy:read'],
};

/**
 * Groups, roles, access lists and policy as lines of JSON, with what is needed to change each. Sections that the caller may not see are
 * named instead. That it is exported is an event, before the first line leaves.
 * @throws AppError `permission-denied`
 */
export async function exportConfig(asking: Context): Promise<ReadableStream<Uint8Array>> {
  const facts = { action: 'config.export', resource: { type: 'policy', id: null, name: 'Groups, roles, lists and policy' } } as const;
  const ctx = await require(asking, 'access:review', facts);
  const withheld = CONFIG_SECTIONS.flatMap((section) => {
    const permission = NEEDS[section].find((each) => !ctx.actor.permissions.has(each));
    return permission === undefined ? [] : [{ kind: 'withheld' as const, section, permission }];
  });
  const details = withheld.length === 0 ? {} : { withheld: withheld.map(({ section }) => section).join(', ') };
  await commit(ctx, { events: [eventOf(ctx, { ...facts, status: 200, details })] });
  const shown = new Set(CONFIG_SECTIONS.filter((section) => withheld.every((each) => each.section !== section)));
  return streamOf(linesOf(ctx, withheld, shown));
}

async function* linesOf(ctx: UserContext, withheld: ConfigLine[], shown: ReadonlySet<ConfigSection>): AsyncGenerator<ConfigLine[]> {
  const now = ctx.now().toISOString();
  let lines = 0;
  for await (const chunk of chunksOf(ctx, withheld, shown, now)) {
    lines += chunk.length;
    yield chunk;
  }
  yield [{ kind: 'end', lines }];
}

async function* chunksOf(
  ctx: UserContext,
  withheld: ConfigLine[],
  shown: ReadonlySet<ConfigSection>,
  now: string,
): AsyncGenerator<ConfigLine[]> {
  yield withheld;
  if (shown.has('policy')) yield [await policyLine(ctx)];
  for (const part of CONFIG_PARTS.filter(({ of }) => of.some((section) => shown.has(section)))) yield* rowsOf(ctx, part, now);
}

async function* rowsOf({ db }: UserContext, part: ConfigPart, now: string): AsyncGenerator<ConfigLine[]> {
  for (let after: string[] | null = part.start; after !== null;) {
    const [found] = await db.batch([part.query(db, now, after, AT_ONCE)]);
    const rows = (found?.rows ?? []).map((row) => part.lineOf(row));
    yield rows.map(({ line }) => line);
    after = rows.length < AT_ONCE ? null : (rows.at(-1)?.key ?? null);
  }
}

async function policyLine({ db }: UserContext): Promise<ConfigLine> {
  const [found] = await db.batch([policyQuery(db.tenantId, scopesOf(null))]);
  const { values, revision } = policiesFrom(found?.rows ?? []).get(TENANT_SCOPE) ?? { values: {}, revision: 0 };
  return { kind: 'policy', values, revision };
}

/** Read as it is sent: nothing is asked of the database that nobody has room for. */
function streamOf(chunks: AsyncGenerator<ConfigLine[]>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await chunks.next();
      if (done) controller.close();
      else controller.enqueue(encoder.encode(value.map((line) => `${JSON.stringify(line)}\n`).join('')));
    },
    async cancel() {
      await chunks.return(undefined);
    },
  });
}
