import type { z } from 'zod';
import type { control } from '@gatehouse/core/api/deployment.ts';
import type { Settings } from './env.ts';

/** The controls of this deployment, each with what enforces it today. A control that nothing enforces is not listed as one. */
export function controlsOf(settings: Settings): Array<z.infer<typeof control>> {
  const deployed = settings.ENVIRONMENT === 'deployed';
  return [
    {
      id: 'ticket',
      name: 'Single-use tickets',
      value: '30 seconds, one use',
      source: 'built in',
      state: 'enforced',
      refuses: 'A ticket that was used, has expired, or belongs to another workspace.',
    },
    {
      id: 'origin',
      name: 'Own origin only',
      value: settings.ORIGIN,
      source: 'deployment',
      state: 'enforced',
      refuses: 'Changes and connections that another site’s page asks for.',
    },
    {
      id: 'viewer-grant',
      name: 'Runner checks who connects',
      value: 'Signed grant, 60 seconds',
      source: 'built in',
      state: 'enforced',
      refuses: 'A viewer without a grant signed by this deployment for that runner and workspace.',
    },
    {
      id: 'isolation',
      name: 'Workspace isolation',
      value: 'As each template asks; on by default',
      source: 'template',
      state: 'enforced',
      refuses: 'Starting a template that asks for isolation on a runner that can’t isolate.',
    },
    {
      id: 'transport',
      name: 'Encrypted transport',
      value: deployed ? 'HTTPS' : 'HTTP on this machine only',
      source: 'deployment',
      state: deployed ? 'enforced' : 'not enforced',
      refuses: deployed ? 'Plain HTTP.' : 'Nothing: a local deployment serves loopback without TLS.',
    },
  ];
}
