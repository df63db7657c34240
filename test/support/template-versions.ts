import { templateVersion } from '@gatehouse/core/api/templates.ts';
import { makeTemplate } from './access.ts';
import { own, owner, type Ask, type Made } from './route-calls/call.ts';
import { api, read, type Tenant } from './tenants.ts';

/** A template whose version 2 is a draft. */
export async function makeDraft(tenant: Tenant, spec: object = { startupScript: 'npm ci' }) {
  const templateId = await makeTemplate(tenant);
  const answer = await api(tenant.owner).post(`/templates/${templateId}/versions`, { spec, state: 'draft' });
  return { templateId, ...read(answer, templateVersion) };
}

/** The owner, on a draft of a new template, after those steps; the event is the template's. */
export const onDraft =
  (route: string, body?: unknown, headers: Record<string, string> = {}, steps: string[] = []) =>
  async (tenant: Tenant, ask: Ask): Promise<Made> => {
    const { id, templateId } = await makeDraft(tenant);
    for (const step of steps) await api(tenant.owner).post(`/template-versions/${id}/${step}`);
    const by = await owner(tenant);
    return own(by, await ask(by, route.replace(':id', id), body, headers), templateId);
  };
