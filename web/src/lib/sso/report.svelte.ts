import type { DryRun } from '#lib/api/sso.ts';

/** What the last test of a sign-in said, from the page that came back from the provider to the one that shows it. */
class LastReport {
  of = $state.raw<{ provider: string; report: DryRun } | null>(null);
}
export const lastReport = new LastReport();
