import type { ConfigState } from '@gatehouse/core/access/config-state.ts';
import { configLine, type ConfigLine } from '@gatehouse/core/api/config.ts';
import { fetchAnswer, type Call } from './client.ts';
import { ApiProblem } from './problem.ts';

export interface RulesFile {
  yaml: string;
  withheld: ConfigState['withheld'];
}

/** The rules of the organisation as the file that `gatehouse export` writes. @throws when it breaks off: half of it is nothing */
export async function exportRules(call: Call = {}): Promise<RulesFile> {
  // Only who exports needs them.
  const { exportedFile, stateOf } = await import('@gatehouse/core/access/config-state.ts');
  // The typed client knows answers of one JSON value only.
  const response = await fetchAnswer('/api/v1/config/export', call);
  try {
    const lines = (await response.text()).trimEnd().split('\n');
    const state = stateOf(lines.map((line): ConfigLine => configLine.parse(JSON.parse(line))));
    return { yaml: exportedFile(state, new Date().toISOString()), withheld: state.withheld };
  } catch (cause) {
    if (call.signal?.aborted) throw cause;
    throw new ApiProblem('unavailable', 'The export broke off, so nothing was saved. Try again.', { title: 'Not exported', cause });
  }
}
