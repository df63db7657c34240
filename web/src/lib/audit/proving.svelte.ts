import { auditEvent, type AuditEvent } from '@gatehouse/core/audit/event.ts';
import * as audit from '#lib/api/audit.ts';
import { asProblem, type ApiProblem } from '#lib/api/problem.ts';
import { checkEvent, verifiersOf, type EventProof, type Check } from './integrity.ts';

/** The proof of one event, fetched and checked here. */
export class EventProving {
  busy = $state(false);
  proof = $state.raw<EventProof | null>(null);
  problem = $state.raw<ApiProblem | null>(null);

  /** @param shown the event as a page shows it, which must be the one that was recorded */
  async run(seq: number, shown?: AuditEvent): Promise<void> {
    this.busy = true;
    this.problem = null;
    this.proof = null;
    try {
      const [inclusion, keys] = await Promise.all([audit.inclusion({ seq }), audit.keys()]);
      const proof = await checkEvent(inclusion, await verifiersOf(keys.map(({ verifierKey }) => verifierKey)));
      this.proof = shown === undefined ? proof : { ...proof, checks: [...proof.checks, ...sameAs(shown, proof.event)] };
    } catch (thrown) {
      this.problem = asProblem(thrown);
    } finally {
      this.busy = false;
    }
  }
}

function sameAs(shown: AuditEvent, recorded: string | null): Check[] {
  if (recorded === null) return [];
  const parsed = auditEvent.safeParse(JSON.parse(recorded));
  const same = parsed.success && JSON.stringify(parsed.data) === JSON.stringify(shown);
  const says = same ? 'What this page shows is the event that was recorded.' : 'This page shows something else than what was recorded.';
  return [{ what: 'Shown here', ok: same, says }];
}
