import { describe, expect, it } from 'vitest';
import { about, LOG_LEVELS, makeLog, type LogLevel, type LogOptions } from '../src/log.ts';
import { makeLab } from './support/lab.ts';
import { mintId, mintOrder } from './support/mint.ts';
import type { Program } from './support/program.ts';

const line = (options: Partial<LogOptions> = {}) => {
  const lines: string[] = [];
  const log = makeLog({
    ...{ format: 'json', level: 'debug', colours: false, now: () => Date.UTC(2026, 2, 1), write: (text: string) => void lines.push(text) },
    ...options,
  });
  return { log, lines };
};

describe('a line of the log', () => {
  it('is one JSON object with time, level and message, whatever is in it', () => {
    const { log, lines } = line();
    about(log, { workspace: 'w', level: 'not this' }).warn('two\n\u001b[31mlines "quoted"', { seconds: 3, time: 'not this' });
    expect(lines).toHaveLength(1);
    expect(lines[0]?.endsWith('\n') && !lines[0].slice(0, -1).includes('\n')).toBe(true);
    expect(JSON.parse(lines[0] ?? '')).toEqual({
      ...{ time: '2026-03-01T00:00:00.000Z', level: 'warning', message: 'two [31mlines "quoted"' },
      ...{ workspace: 'w', seconds: 3 },
    });
  });

  it('is text for people, with its fields only where somebody looks for a fault', () => {
    const { log, lines } = line({ format: 'text' });
    log.info('Connected', { runner: 'r' });
    log.debug('Said', { kind: 'ready' });
    expect(lines).toEqual(['2026-03-01T00:00:00.000Z Connected\n', '2026-03-01T00:00:00.000Z Said kind=ready\n']);
  });

  it.each(LOG_LEVELS.map((level, index) => [level, LOG_LEVELS.slice(index)] as const))('at level %s is one of %j', (level, said) => {
    const { log, lines } = line({ level });
    log.debug('');
    log.info('');
    log.warn('');
    log.error('');
    expect(lines.map((each) => (JSON.parse(each) as { level: LogLevel }).level)).toEqual(said);
  });
});

interface Line {
  time: string;
  level: string;
  message: string;
  [field: string]: unknown;
}
const linesOf = (program: Program): Line[] => {
  const whole = program.text().slice(0, program.text().lastIndexOf('\n'));
  return whole.split('\n').map((each) => JSON.parse(each) as Line);
};

describe('the log of a runner', () => {
  it('is JSON where nobody looks at a terminal, and says of each line what it is about', async () => {
    const { platform, run } = await makeLab();
    const program = run();
    await platform.connections.wait(() => true);
    const order = mintOrder();
    platform.want(order);
    await platform.reported(order, 'running');
    await platform.join(order.workspaceId);
    await program.output.wait(() => program.text().includes('is connected'));
    const lines = linesOf(program);
    for (const each of lines) expect(each).toMatchObject({ time: expect.any(String) as string, message: expect.any(String) as string });
    expect(lines.find(({ message }) => message.includes('is connected'))).toMatchObject({ level: 'info', workspace: order.workspaceId });
    expect(lines.some(({ level }) => level === 'debug')).toBe(false);
    program.child.kill('SIGTERM');
    await program.ended;
    expect(linesOf(program).at(-1)).toMatchObject({ level: 'info', message: expect.stringContaining('Ending') as unknown });
  });

  it('says everything after SIGUSR1, and again as before; no debugger listens', async () => {
    const { platform, run } = await makeLab();
    const program = run('--log-level', 'warning');
    await platform.connections.wait(() => true);
    program.child.kill('SIGUSR1');
    await program.output.wait(() => program.text().includes('debug and worse from now on'));
    const order = mintOrder();
    platform.want(order);
    await platform.reported(order, 'running');
    await program.output.wait(() => linesOf(program).some(({ level }) => level === 'debug'));
    program.child.kill('SIGUSR1');
    await program.output.wait(() => program.text().includes('warning and worse from now on'));
    const said = linesOf(program).length;
    platform.want({ ...order, generation: 2, desired: 'stopped' });
    await platform.reported({ ...order, generation: 2 }, 'stopped');
    expect(linesOf(program).slice(said)).toEqual([]);
    expect(program.text()).not.toContain('Debugger');
  });

  it('ends with why it ended, as a line like all others', async () => {
    const { platform, run } = await makeLab();
    run();
    await platform.connections.wait(() => true);
    const second = run();
    expect(await second.ended).toBe(1);
    expect(linesOf(second).at(-1)).toMatchObject({ level: 'error', message: expect.stringContaining('already') as unknown });
    const wrong = run('--log-level', 'loud');
    expect(await wrong.ended).toBe(1);
    expect(wrong.text()).toContain('--log-level must be one of debug, info, warning, error');
  });

  it('holds no secret at any level: not the runner’s own, not a workspace’s, not what is typed or read', async () => {
    const { platform, state, run } = await makeLab();
    const program = run('--log-level', 'debug');
    await platform.connections.wait(() => true);
    const order = mintOrder({
      spec: { startupScript: 'echo "printed by a script: planted-output"; echo planted-file > file' },
      environment: { VALUE: 'planted-environment' },
      secrets: { KEY: 'planted-secret' },
    });
    platform.want(order);
    await platform.reported(order, 'running');
    const failing = mintOrder({ spec: { startupScript: 'echo "$KEY planted-failure" >&2; exit 3' }, secrets: { KEY: 'planted-secret' } });
    platform.want(failing);
    await platform.reported(failing, 'failed');
    const page = await platform.join(order.workspaceId);
    const terminal = page.open({ method: 'pty.open', cols: 80, rows: 24, key: mintId('connection') });
    await terminal.head;
    terminal.write('echo planted-typing\r');
    await terminal.shows('planted-typing');
    await page.open({ method: 'files.read', path: 'file' }).ends.wait(() => true);
    await page.open({ method: 'files.read', path: 'planted-name' }).head;
    program.child.kill('SIGTERM');
    await program.ended;
    const text = program.text();
    expect(linesOf(program).some(({ level }) => level === 'debug')).toBe(true);
    expect(text).not.toMatch(/planted/);
    expect(text).not.toContain(platform.token);
    expect(text).not.toContain('PRIVATE KEY');
    expect(state).toBeTruthy();
  });
});
