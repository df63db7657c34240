import { templateDetail } from '@gatehouse/core/api/templates.ts';
import { attachment, workspace as workspaceSchema, type Attachment } from '@gatehouse/core/api/workspaces.ts';
import type { TemplateRole } from '@gatehouse/core/access/template-acl.ts';
import type { FromRunner, ToRunner } from '@gatehouse/core/protocol/runner-control.ts';
import { proofHeader, testBrowser, type KeyPair } from './browser-key.ts';
import { connectControl, connectLink, connectViewer, enrollRunner, type EnrolledRunner, type TestSocket } from './runners.ts';
import { addUser, api, eventsOf, mintTenant, read, type Answer, type Person, type Tenant } from './tenants.ts';

export interface Site {
  tenant: Tenant;
  dev: Person;
  runner: EnrolledRunner;
  control: TestSocket<ToRunner>;
  tell(message: FromRunner): void;
  templateId: string;
}

/** A tenant with a developer, an online runner and a template that everyone may use. */
export async function makeSite(): Promise<Site> {
  const tenant = await mintTenant();
  const dev = await addUser(tenant);
  const runner = await enrollRunner(tenant);
  const { control, tell } = await connectControl(runner);
  const { id: templateId } = read(await api(tenant.owner).post('/templates', { name: 'shell', spec: {} }), templateDetail);
  const site = { tenant, dev, runner, control, tell, templateId };
  await grantOn(site, { type: 'everyone' }, 'use');
  return site;
}

/** Replaces the template's access list by everyone's `use` and, if given, one more entry. */
export async function grantOn(site: Site, subject: { type: 'everyone' } | { type: 'user'; id: string }, role: TemplateRole): Promise<void> {
  const owner = api(site.tenant.owner);
  const { headers } = await owner.get(`/templates/${site.templateId}/acl`);
  const everyone = { subject: { type: 'everyone' }, role: 'use', expiresAt: null };
  const items = subject.type === 'everyone' ? [{ subject, role, expiresAt: null }] : [everyone, { subject, role, expiresAt: null }];
  const answer = await owner.put(`/templates/${site.templateId}/acl`, { items }, { 'If-Match': headers.get('ETag') ?? '' });
  if (answer.status !== 200) throw new Error(`The access list was refused: ${JSON.stringify(answer.body)}`);
}

/** A workspace of the developer's that its runner has reported running, with its link. */
export async function makeRunning(site: Site) {
  const made = read(await api(site.dev).post('/workspaces', { templateId: site.templateId, name: 'box' }), workspaceSchema);
  const order = await site.control.until((message) => message.kind === 'order');
  site.tell({ kind: 'report', report: 1, time: new Date().toISOString(), body: { workspaceId: made.id, generation: 1, phase: 'running' } });
  await site.control.until((message) => message.kind === 'stored');
  return { id: made.id, order, ...(await connectLink(site.runner, made.id)) };
}

/** As the page of that person's browser asks. @param how what is otherwise */
export async function attachTo(
  person: Pick<Person, 'cookie'>,
  id: string,
  how: { key?: KeyPair; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const path = `/workspaces/${id}/attach`;
  const { key = await testBrowser(), headers = {} } = how;
  const proof = await proofHeader('POST', path, { key });
  return api(person).post(path, { key: key.publicKey }, { 'Sec-Fetch-Site': 'same-origin', ...proof, ...headers });
}

/** A browser of that person, connected, with the number that it was welcomed with. */
export async function join(person: Pick<Person, 'cookie'>, id: string) {
  const attached: Attachment = read(await attachTo(person, id), attachment);
  const browser = await connectViewer(id, attached.ticket);
  const welcome = browser.control(await browser.viewer.next());
  if (welcome.kind !== 'welcome') throw new Error(`Expected a welcome, not ${welcome.kind}`);
  return { ...attached, ...browser, number: welcome.viewer };
}

/** A workspace with its runner's link and its owner's browser. */
export async function makePair() {
  const site = await makeSite();
  const running = await makeRunning(site);
  return { site, running, ...(await join(site.dev, running.id)) };
}

export const actionsOf = async (tenant: Tenant, prefix: string): Promise<string[]> =>
  (await eventsOf(tenant)).map(({ action }) => action).filter((action) => action.startsWith(prefix));
