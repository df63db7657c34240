import type { TestProject } from 'vitest/node';
import { startHecDouble } from './hec-double.mjs';
import { startSiemDoubles } from './siem/server.mjs';
import { startWebhookDouble } from './webhook-double.mjs';

declare module 'vitest' {
  interface ProvidedContext {
    hecUrl: string;
    webhookUrl: string;
    siemUrl: string;
  }
}

/** Receivers outside workerd, reached by real requests; tests learn their addresses by `inject`. */
export default async function startDoubles(project: TestProject): Promise<() => Promise<void>> {
  const [hec, webhook, siem] = await Promise.all([startHecDouble(), startWebhookDouble(), startSiemDoubles()]);
  project.provide('hecUrl', hec.url);
  project.provide('webhookUrl', webhook.url);
  project.provide('siemUrl', siem.url);
  return async () => {
    await Promise.all([hec.close(), webhook.close(), siem.close()]);
  };
}
