import { render, screen } from '@testing-library/svelte';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { groupsOf, reference } from '../src/lib/reference/reference.ts';
import ApiReference from '../src/routes/(public)/docs/api/+page.svelte';
import { answerWith, jsonAnswer } from './api.ts';

const name = { type: 'string', minLength: 1, maxLength: 80 };
const body = {
  type: 'object',
  properties: {
    user: {
      type: 'object',
      properties: { name, roles: { type: 'array', items: { type: 'string', enum: ['owner', 'auditor'] } } },
      required: ['name'],
    },
    expiresAt: { type: ['string', 'null'], format: 'date-time' },
    subject: {
      oneOf: [
        { type: 'object', properties: { type: { type: 'string', enum: ['everyone'] } } },
        { type: 'object', properties: { id: name } },
      ],
    },
  },
  required: ['user', 'subject'],
};
const served = {
  openapi: '3.1.0',
  info: { title: 'Gatehouse', version: '1.2.3' },
  paths: {
    '/api/v1/doors': {
      get: {
        summary: 'Doors',
        tags: ['Doors'],
        parameters: [{ name: 'limit', in: 'query', required: false, schema: { type: 'integer', minimum: 1, maximum: 100 } }],
      },
    },
    '/api/v1/keys': { post: { summary: 'Make a key', tags: ['Keys'], requestBody: { content: { 'application/json': { schema: body } } } } },
    '/api/v1/doors/{id}': { delete: { summary: 'Remove a door', tags: ['Doors'], description: 'For good.' } },
  },
};

afterEach(() => vi.unstubAllGlobals());

describe('the API reference', () => {
  it('has the operations by group, with what each takes', async () => {
    answerWith(() => jsonAnswer(served));
    const [doors, keys] = groupsOf(await reference());
    expect(doors?.operations.map(({ method, path }) => `${method} ${path}`)).toEqual(['GET /api/v1/doors', 'DELETE /api/v1/doors/{id}']);
    expect(doors?.operations[0]?.inputs).toEqual([{ name: 'limit', in: 'query', required: false, kind: 'integer, 1 to 100' }]);
    expect(keys?.operations[0]?.inputs).toEqual([
      { name: 'user.name', in: 'body', required: true, kind: 'string, 1 to 80' },
      { name: 'user.roles', in: 'body', required: false, kind: 'list of owner | auditor' },
      { name: 'expiresAt', in: 'body', required: false, kind: 'date-time' },
      { name: 'subject', in: 'body', required: true, kind: '{ type: everyone } or { id }' },
    ]);
  });

  it('shows them', async () => {
    const asked = answerWith(() => jsonAnswer(served));
    render(ApiReference);
    expect(await screen.findByRole('heading', { name: 'Make a key' })).toBeTruthy();
    expect(screen.getByText('For good.')).toBeTruthy();
    expect(screen.getByRole('link', { name: 'Keys' }).getAttribute('href')).toBe('#keys');
    expect(asked.mock.calls.map(([{ path }]) => path)).toEqual(['/api/v1/openapi.json']);
  });

  it('says so when the description is none', async () => {
    answerWith(() => jsonAnswer({ openapi: '3.1.0', paths: [] }));
    render(ApiReference);
    expect(await screen.findByRole('alert')).toBeTruthy();
  });
});
