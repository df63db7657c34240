import { encodeJson } from '@gatehouse/core/protocol/frame.ts';
import { describe, expect, it } from 'vitest';
import type { StreamEvents } from '../connection/stream.ts';
import { StreamError } from '../connection/stream-error.ts';
import type { Services } from '../connection/streams.ts';
import { appLogPath, Ports } from './ports.svelte.ts';

const APP = { label: 'site', name: 'Site', port: 5173, icon: 'rocket', kept: true, share: 'tenant' } as const;

/** The runner in the test's hand. */
function watched() {
  let events: StreamEvents<'ports.watch'> | undefined;
  const services = { open: (_request: unknown, given: StreamEvents<'ports.watch'>) => ((events = given), null) } as unknown as Services;
  const told: string[] = [];
  const ports = new Ports(
    services,
    () => [APP],
    ({ title }) => told.push(title),
  );
  ports.watch();
  return { ports, told, events: events as StreamEvents<'ports.watch'> };
}

describe('the ports of a workspace', () => {
  it('has the template’s apps first, started or not, then what else listens; ports of the system are left out', () => {
    const { ports, events } = watched();
    events.head?.({ ok: true });
    expect(ports.shown).toMatchObject([{ label: 'site', listening: false, kept: true }]);
    const listeners = [22, 3000, 5173].map((port) => ({ port, process: port === 22 ? null : `node ${port}` }));
    events.message?.(JSON.parse(new TextDecoder().decode(encodeJson({ kind: 'ports', ports: listeners }))));
    expect(ports.shown).toMatchObject([
      { label: 'site', listening: true, process: 'node 5173' },
      { label: '3000', name: 'node 3000', icon: null },
    ]);
    expect(ports.refusal).toBeNull();
  });

  it('tells of each new one once, and of none that listened before or where nobody wants to know', () => {
    const { ports, told, events } = watched();
    const listen = (...numbers: number[]) =>
      events.message?.(
        JSON.parse(new TextDecoder().decode(encodeJson({ kind: 'ports', ports: numbers.map((port) => ({ port, process: 'node' })) }))),
      );
    listen(3000);
    listen(3000, 4000);
    listen(3000);
    listen(3000, 4000, 22);
    expect(told).toEqual(['node listens on port 4000']);
    ports.muted = true;
    listen(5000);
    expect(told).toHaveLength(1);
  });

  it('calls a port as somebody wishes, until they take it back', () => {
    const { ports, events } = watched();
    events.message?.(JSON.parse(new TextDecoder().decode(encodeJson({ kind: 'ports', ports: [{ port: 3000, process: 'node' }] }))));
    ports.rename(3000, '  API ');
    expect(ports.shown.at(-1)?.name).toBe('API');
    expect(ports.memory).toEqual({ names: { 3000: 'API' }, muted: false });
    ports.rename(3000, '');
    expect(ports.shown.at(-1)?.name).toBe('node');
  });

  it('says why there is nothing to see', () => {
    const { ports, events } = watched();
    events.ended(new StreamError('refused', 'Web apps and ports are off by your organisation’s policy'));
    expect(ports.refusal).toBe('Web apps and ports are off by your organisation’s policy');
  });

  it('knows where an app’s log is', () => expect(appLogPath('API Server')).toBe('.local/state/gatehouse/api-server.log'));
});
