import { gatehouse } from '../gatehouse.ts';
import { type Options, type Row, timed, until } from '../measure.ts';
import type { Product } from '../product.ts';
import { Shell } from '../shell.ts';
import { Rows } from '../turns.ts';

/** From the wish to the first prompt on the page, of a new workspace and of one that was stopped. */
export async function measureStarts(product: Product, { quick }: Options): Promise<Row[]> {
  const rows = new Rows('workspace');
  const add = rows.of('gatehouse');
  const { owner } = product;
  const phaseOf = async (id: string) => (await owner.call<{ phase: string }>('GET', `/workspaces/${id}`)).phase;
  const settled = (id: string, wanted: string) => until(`the workspace is ${wanted}`, async () => (await phaseOf(id)) === wanted);
  const prompt = (workspaceId: string) => Shell.at(gatehouse({ ...product, workspaceId }));
  const template = await owner.call<{ id: string }>('POST', '/templates', { name: 'starts', spec: { driver: 'bubblewrap' } });
  for (let index = 0; index <= (quick ? 2 : 20); index++) {
    let id = '';
    const [created, first] = await timed(async () => {
      ({ id } = await owner.call<{ id: string }>('POST', '/workspaces', { templateId: template.id, name: `starts-${index}` }));
      await settled(id, 'running');
      return prompt(id);
    });
    await first.close();
    await owner.call('POST', `/workspaces/${id}/stop`);
    await settled(id, 'stopped');
    const [started, second] = await timed(async () => {
      await owner.call('POST', `/workspaces/${id}/start`);
      await settled(id, 'running');
      return prompt(id);
    });
    await second.close();
    await owner.call('DELETE', `/workspaces/${id}`);
    // The first warms up.
    if (index === 0) continue;
    add('create to first prompt', 'ms', created);
    add('start of a stopped one to first prompt', 'ms', started);
  }
  return rows.all();
}
