import { z } from 'zod';
import type { Finding, FindingDetail, findingMove, FindingsOverview, findingsQuery } from '@gatehouse/core/api/findings.ts';
import { diff, type FieldRules } from '@gatehouse/core/audit/diff.ts';
import { auditEvent, type AuditAction } from '@gatehouse/core/audit/event.ts';
import { FINDING_RULE_IDS, findingRule, type FindingRuleId, type FindingState } from '@gatehouse/core/audit/findings.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { eventOf, require } from '../platform/commit.ts';
import type { Context } from '../platform/context.ts';
import type { FindingCount, FindingRow } from '../platform/objects.ts';
import { decodeCursor, pageOf } from '../platform/route.ts';
import { openLedger, orNotWhole } from './events.ts';

const listed = { action: 'audit.read', resource: { type: 'audit', id: null, name: 'Findings' } } as const;
const notFound = () => new AppError('not-found', 'There is no such finding');

const RULES: FieldRules<{ state: FindingState; note: string }> = { state: 'tracked', note: 'tracked' };
const MOVES: Record<FindingState, AuditAction> = {
  open: 'finding.reopen',
  acknowledged: 'finding.acknowledge',
  resolved: 'finding.resolve',
};

/** What the trail is watched for. */
export async function listRules(ctx: Context) {
  await require(ctx, 'audit:read', listed);
  return FINDING_RULE_IDS.map((id) => ({ ...briefly(id), ...wordsOf(id) }));
}

const briefly = (id: FindingRuleId) => {
  const { title, severity } = findingRule(id);
  return { id, title, severity };
};
const wordsOf = (id: FindingRuleId) => {
  const { says, advice } = findingRule(id);
  return { says, advice };
};

const present = ({ rule, ...row }: FindingRow): Finding => ({ ...row, rule: briefly(rule) });

const DAY_MS = 86_400_000;

/** The findings, the newest first, and how many there are in all. */
export async function listFindings(
  ctx: Context,
  { limit, cursor, state, rule, severity, subject, event }: z.infer<typeof findingsQuery>,
): Promise<{ items: Finding[]; nextCursor: string | null } & FindingsOverview> {
  const ledger = openLedger(await require(ctx, 'audit:read', listed));
  const before = cursor === undefined ? undefined : decodeCursor(cursor, z.tuple([z.string()]))[0];
  const narrowed = rule !== undefined || severity !== undefined;
  const rules = narrowed
    ? FINDING_RULE_IDS.filter((id) => (rule ?? id) === id && (severity ?? briefly(id).severity) === briefly(id).severity)
    : undefined;
  const now = ctx.now().getTime();
  const [rows, counts] = await Promise.all([
    ledger.findings({ state, rules, subject, event, before, limit }),
    ledger.findingCounts({ week: now - 7 * DAY_MS, month: now - 30 * DAY_MS }),
  ]);
  return { ...pageOf(rows, limit, present, ({ id }) => [id]), ...overviewOf(counts) };
}

function overviewOf(rows: readonly FindingCount[]): FindingsOverview {
  const overview: FindingsOverview = {
    ...{ counts: { open: 0, acknowledged: 0, resolved: 0 }, open: { low: 0, medium: 0, high: 0 } },
    ...{ opened: { week: 0, month: 0 }, secondsToLook: null },
  };
  for (const { rule, state, found, week, month } of rows) {
    overview.counts[state] += found;
    if (state === 'open') overview.open[briefly(rule).severity] += found;
    overview.opened.week += week;
    overview.opened.month += month;
  }
  const looked = rows.reduce((sum, row) => sum + row.looked, 0);
  if (looked > 0) overview.secondsToLook = Math.round(rows.reduce((sum, row) => sum + row.waited, 0) / looked / 1000);
  return overview;
}

/** @throws AppError `not-found` */
export async function readFinding(ctx: Context, id: string): Promise<FindingDetail> {
  const found = await openLedger(await require(ctx, 'audit:read', listed)).finding(id);
  if (!found) throw notFound();
  const evidence = found.bodies.map((body) => auditEvent.parse(JSON.parse(body)));
  const hot = new Set(evidence.map(({ seq }) => seq));
  const { rule } = found.finding;
  return {
    ...present(found.finding),
    rule: { ...briefly(rule), ...wordsOf(rule) },
    evidence,
    archived: found.evidence.filter((seq) => !hot.has(seq)),
  };
}

/**
 * Says how a finding stands. The ledger holds findings and events, so both change in one transaction of it.
 * @throws AppError `not-found`, `conflict` when somebody else moved it meanwhile, `unavailable` while the log is made anew
 */
export async function moveFinding(ctx: Context, id: string, { from, to, note }: z.infer<typeof findingMove>): Promise<Finding> {
  const action = MOVES[to];
  const user = await require(ctx, 'finding:triage', { action, resource: { type: 'finding', id, name: id } });
  const ledger = openLedger(user);
  const found = await ledger.findingAlone(id);
  if (!found) throw notFound();
  const { rule, subject } = found;
  const event = eventOf(user, {
    ...{ action, status: 200, resource: { type: 'finding', id, name: `${briefly(rule).title}: ${subject}` } },
    diff: diff(RULES, { state: from, note: found.note }, { state: to, note }),
  });
  const { tenantId, shard } = user.db;
  const move = { id, from, to, note, by: user.actor.name, at: event.time };
  const request = { tenantId, shard, source: 'audit', batches: [{ outboxId: event.id, events: [event] }] };
  if (!(await orNotWhole(ledger, ledger.moveFinding(move, request))))
    throw new AppError('conflict', 'Somebody else moved this finding meanwhile. Load it again.');
  return present({ ...found, state: to, note, moved: { by: user.actor.name, at: event.time } });
}
