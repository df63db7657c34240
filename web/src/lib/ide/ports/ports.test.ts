import { encodeJson } from '@gatehouse/core/protocol/frame.ts';
import { describe, expect, it } from 'vitest';
import type { StreamEvents } from '../connection/stream.ts';
import { StreamError } from '../connection/stream-error.ts';
import type { Services } from '../connection/streams.ts';
import { appLogPath, Ports } from './ports.svelte.ts';

const APP = { label: 'site', name: 'Site', port: 5173, icon: 'rocket', kept: true } as const;

/** The runner in the test's hand. */
function watched() {
  let events: StreamEvents<'ports.watch'> | undefined;
  const services = { open: (_request: unknown, given: StreamEvents<'ports.watch'>) => ((events = given), null) } as unknown as Services;
  const ports = new Ports(services, () => [APP]);
  ports.watch();
  return { ports, events: events as StreamEvents<'ports.watch'> };
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

  it('says why there is nothing to see', () => {
    const { ports, events } = watched();
    events.ended(new StreamError('refused', 'Web apps and ports are off by your organisation’s policy'));
    expect(ports.refusal).toBe('Web apps and ports are off by your organisation’s policy');
  });

  it('knows where an app’s log is', () => expect(appLogPath('API Server')).toBe('.local/state/gatehouse/api-server.log'));
});
