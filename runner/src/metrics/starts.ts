import type { WorkspaceReport } from '@gatehouse/core/protocol/runner-control.ts';
import type { Clock } from '../connection/clock.ts';

export const OUTCOMES = ['running', 'failed', 'cancelled'] as const;
export type Outcome = (typeof OUTCOMES)[number];

export const PHASES = ['starting', 'running', 'stopping', 'stopped', 'failed'] as const;
export type Phase = (typeof PHASES)[number];

/** How starts of workspaces went, from what is reported of them. */
export class Starts {
  readonly #clock: Pick<Clock, 'now'>;
  /** newest phase of each workspace that was heard of */
  readonly #phases = new Map<string, Phase>();
  /** when each start that is under way began */
  readonly #began = new Map<string, number>();
  /** @param seconds that it took */
  finished: (outcome: Outcome, seconds: number) => void = () => undefined;

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  saw({ workspaceId, phase }: Pick<WorkspaceReport, 'workspaceId' | 'phase'>): void {
    if (phase === 'deleted') this.#phases.delete(workspaceId);
    else this.#phases.set(workspaceId, phase);
    const began = this.#began.get(workspaceId);
    if (phase === 'starting') return void this.#began.set(workspaceId, began ?? this.#clock.now());
    this.#began.delete(workspaceId);
    if (began === undefined) return;
    const outcome = phase === 'running' || phase === 'failed' ? phase : 'cancelled';
    this.finished(outcome, Math.max(0, this.#clock.now() - began) / 1000);
  }

  /** What a workspace of which nothing was heard is doing says whether it runs: it was taken over, or lies here stopped. */
  phaseOf({ workspaceId, phase }: { workspaceId: string; phase: 'running' | 'stopped' }): Phase {
    return this.#phases.get(workspaceId) ?? phase;
  }
}
