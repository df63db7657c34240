import { asProblem, type ApiProblem } from '#lib/api/problem.ts';

/** What the buttons of a page do, one at a time: that it is under way, and why the last of it failed. */
export class Attempt {
  busy = $state(false);
  problem = $state.raw<ApiProblem | null>(null);

  async run(step: () => Promise<void>): Promise<void> {
    this.busy = true;
    this.problem = null;
    try {
      await step();
    } catch (thrown) {
      this.problem = asProblem(thrown);
    } finally {
      this.busy = false;
    }
  }
}
