import type { Answer, Witness } from './witness.ts';

/** Somebody at work: one step after another until the test says stop. Whoever got no answer looks first, as people do. */
export type Step = () => Promise<void>;

const idOf = (answer: Answer) => String(answer.body['id']);
const BASH_COUNTS = `n=$(( $(wc -l < history 2>/dev/null || echo 0) + 1 ))\necho "start $n" >> history\n`;

/** The template of all workspaces: each start adds its line to a file in the home. */
export const countingTemplate = (name: string) => ({ name, spec: { startupScript: BASH_COUNTS, driver: 'bubblewrap' } });

export interface AuthoredTemplate {
  id: string;
  name: string;
  /** descriptions that it was given, as far as the author knows; the last is what it has now */
  description: string;
}

/** Makes templates, describes them anew, says who may use them. */
export function author(me: Witness, who: string, roll: (sides: number) => number): { step: Step; templates: AuthoredTemplate[] } {
  const templates: AuthoredTemplate[] = [];
  let count = 0;
  const create = async () => {
    const name = `${who}-${++count}`;
    const answer = await me.change(['template.create', name], ['POST', '/templates'], { name, description: '' });
    if (answer?.status === 201) templates.push({ id: idOf(answer), name, description: '' });
  };
  const describe = async (template: AuthoredTemplate) => {
    const { etag, body } = await me.read(`/templates/${template.id}`);
    // Nobody else changes it: it is as it was left, or as an attempt without an answer would have left it.
    template.description = String(body['description']);
    const description = `${template.name} ${++count}`;
    const path = `/templates/${template.id}`;
    const answer = await me.change(['template.update', template.name], ['PATCH', path], { description }, { 'If-Match': etag });
    if (answer?.status === 200) template.description = description;
  };
  const share = async (template: AuthoredTemplate) => {
    const path = `/templates/${template.id}/acl`;
    const { etag, body } = await me.read(path);
    const items = (body['items'] as unknown[]).length > 0 ? [] : [{ subject: { type: 'everyone' }, role: 'use', expiresAt: null }];
    await me.change(['template.acl.update', template.name], ['PUT', path], { items }, { 'If-Match': etag });
  };
  return {
    templates,
    step: () => {
      const template = templates[roll(templates.length + 1)];
      if (template === undefined && templates.length < 20) return create();
      return template && roll(2) === 0 ? share(template) : describe(template ?? (templates[0] as AuthoredTemplate));
    },
  };
}

/** Invites, and takes invitations back so that the quota is never reached. */
export function inviter(me: Witness): { step: Step; open: Array<{ id: string; email: string }> } {
  const open: Array<{ id: string; email: string }> = [];
  let count = 0;
  const step = async () => {
    const oldest = open[0];
    if (oldest && open.length > 10) {
      const answer = await me.change(['invitation.revoke', oldest.email], ['DELETE', `/invitations/${oldest.id}`]);
      // Without an answer it may be gone: asking again would tell, and is not what is tested here.
      if (answer === null || answer.status === 204) open.shift();
      return;
    }
    const email = `guest-${++count}@chaos.test`;
    const answer = await me.change(['invitation.create', email], ['POST', '/invitations'], { email });
    if (answer?.status === 201) open.push({ id: idOf(answer), email });
  };
  return { step, open };
}

/** Makes a few workspaces, and starts, stops, restarts, deletes and restores them without waiting for the runner. */
export function developer(me: Witness, templateId: string, roll: (sides: number) => number): { step: Step; ids: string[] } {
  const ids: string[] = [];
  let count = 0;
  const create = async () => {
    const name = `space-${++count}`;
    const answer = await me.change(['workspace.create', name], ['POST', '/workspaces'], { templateId, name });
    if (answer?.status === 201) ids.push(idOf(answer));
  };
  const wish = async (id: string) => {
    const { status, body } = await me.read(`/workspaces/${id}`);
    if (status !== 200 || body['desired'] === 'deleted') return void ids.splice(ids.indexOf(id), 1);
    const name = String(body['name']);
    if (body['trash'] !== null) {
      if (roll(2) === 0) await me.change(['workspace.restore', name], ['POST', `/workspaces/${id}/restore`], {});
      else await me.change(['workspace.purge', name], ['POST', `/workspaces/${id}/purge`]);
      return;
    }
    if (body['desired'] === 'stopped') await me.change(['workspace.start', name], ['POST', `/workspaces/${id}/start`]);
    else if (roll(4) === 0) await me.change(['workspace.restart', name], ['POST', `/workspaces/${id}/restart`]);
    else if (roll(3) > 0) await me.change(['workspace.stop', name], ['POST', `/workspaces/${id}/stop`]);
    else await me.change(['workspace.delete', name], ['DELETE', `/workspaces/${id}`]);
  };
  return {
    ids,
    step: () => {
      const id = ids[roll(ids.length)];
      return id === undefined || (ids.length < 4 && roll(3) === 0) ? create() : wish(id);
    },
  };
}

/** Guesses passwords, tries what he may not, calls from another site. */
export function intruder(outside: Witness, member: Witness, tenant: string, roll: (sides: number) => number): Step {
  let count = 0;
  const attempts = [
    () => {
      const email = `nobody-${++count}@chaos.test`;
      return outside.change(['user.sign_in', email], ['POST', '/login'], { tenant, email, password: 'a wrong password' });
    },
    () => {
      const name = `forbidden-${++count}`;
      return member.change(['template.create', name], ['POST', '/templates'], { name });
    },
    () => {
      const call = ['POST', '/templates'] as [string, string];
      return member.change(['request.denied', 'POST /api/v1/templates'], call, {}, { Origin: 'https://evil.example' });
    },
  ];
  return async () => void (await attempts[roll(attempts.length)]?.());
}
