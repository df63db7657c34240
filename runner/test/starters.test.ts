import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { STARTERS, type Starter } from '@gatehouse/core/api/template-starters.ts';
import { isolationMissing, mintPlan, runIn, startSandbox } from './support/sandbox.ts';

const TOOLS = {
  node: ['node', 'cd hello && npm start --silent', 'Hello from Node.js'],
  python: ['python3', '.venv/bin/python hello/main.py', 'Hello from Python'],
  go: ['go', 'cd hello && go run .', 'Hello from Go'],
} as const;
const scriptOf = (key: Starter['key']) => STARTERS.find((each) => each.key === key)?.template.spec?.startupScript ?? '';
const installed = (program: string) => ['/usr/bin', '/usr/local/bin', '/bin'].some((folder) => existsSync(`${folder}/${program}`));

describe.runIf(isolationMissing() === null)('a starter’s script in a sandbox', () => {
  it.each(['node', 'python', 'go'] as const)(
    '%s: works where the tool is, twice, and says what is missing where it is not',
    async (key) => {
      const [program, use, said] = TOOLS[key];
      const sandbox = await startSandbox('bubblewrap', mintPlan({ startupScript: scriptOf(key) }));
      const first = await runIn(sandbox, `bash ${sandbox.startupScript}; echo ended $?`);
      if (!installed(program)) {
        expect(first.output).toContain(`there is no program “${program}”`);
        expect(first.output).toContain('ended 1');
        return;
      }
      if (!first.output.includes('ended 0')) {
        // A part of the tool may be missing by itself: then that is what it says.
        expect(first.output).toMatch(/missing on this runner’s machine/);
        return;
      }
      const again = await runIn(sandbox, `bash ${sandbox.startupScript} && ${use}`);
      expect(again.output).toContain(said);
    },
  );

  it.each(['node', 'python', 'go'] as const)('%s: says which program is missing', async (key) => {
    const sandbox = await startSandbox('bubblewrap', mintPlan({ startupScript: scriptOf(key) }));
    const { output } = await runIn(sandbox, `PATH=/nowhere /bin/bash ${sandbox.startupScript}; echo ended $?`);
    expect(output).toContain(`there is no program “${TOOLS[key][0]}”`);
    expect(output).toContain('ended 1');
  });
});
