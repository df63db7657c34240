import type { TestProject } from 'vitest/node';
import { startHecDouble } from './hec-double.mjs';
import { startHostileProvider } from './oidc/hostile.mjs';
import { startOidcProvider } from './oidc/provider.mjs';
import { startSiemDoubles } from './siem/server.mjs';
import { startWebhookDouble } from './webhook-double.mjs';

declare module 'vitest' {
  interface ProvidedContext {
    hecUrl: string;
    webhookUrl: string;
    siemUrl: string;
    oidcUrl: string;
    hostileUrl: string;
  }
}

/** Receivers outside workerd, reached by real requests; tests learn their addresses by `inject`. */
export default async function startDoubles(project: TestProject): Promise<() => Promise<void>> {
  const [hec, webhook, siem, oidc, hostile] = await Promise.all([
    startHecDouble(),
    startWebhookDouble(),
    startSiemDoubles(),
    startOidcProvider(),
    startHostileProvider(),
  ]);
  project.provide('hecUrl', hec.url);
  project.provide('webhookUrl', webhook.url);
  project.provide('siemUrl', siem.url);
  project.provide('oidcUrl', oidc.url);
  project.provide('hostileUrl', hostile.url);
  return async () => {
    await Promise.all([hec, webhook, siem, oidc, hostile].map((double) => double.close()));
  };
}
