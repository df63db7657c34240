import { expectTypeOf, it } from 'vitest';
import { tenant, type tenantUpdate } from '@gatehouse/core/api/directory.ts';
import type { z } from 'zod';
import { read } from '../src/lib/api/answer.ts';
import { api, at } from '../src/lib/api/client.ts';

/** Never run: the type check is the test, and fails where one of these is no mistake any more. */
export const mistakes = [
  // @ts-expect-error -- no such path
  () => api.tenants.$get(),
  // @ts-expect-error -- no such method
  () => api.tenant.$put({ json: { name: 'New' } }),
  // @ts-expect-error -- no such field
  () => api.tenant.$patch({ json: { title: 'New' } }),
  // @ts-expect-error -- the field has another type
  () => api.tenant.$patch({ json: { name: 1 } }),
  // @ts-expect-error -- which template?
  () => api.templates[':id'].$get(),
  // @ts-expect-error -- no such filter
  () => api.templates.$get({ query: { page: 2 } }),
  // @ts-expect-error -- no such header
  () => api.templates[':id'].$patch({ ...at('x'), header: { 'if-none-match': '"1"' }, json: {} }),
  // @ts-expect-error -- the answer of another operation
  () => read(api.me.$get(), tenant),
  // @ts-expect-error -- it answers nothing
  () => read(api.logout.$post(), tenant),
];

it('the typed client takes what the API takes', () => {
  expectTypeOf(api.tenant.$patch).parameter(0).toEqualTypeOf<{ json: z.input<typeof tenantUpdate> }>();
});
