import { describe, expect, it, vi } from 'vitest';
import { settle } from '../testing/manual-clock.ts';
import { ServerTransport } from './transport.ts';

function makeTransport(answer: (method: string, params: unknown) => unknown = () => undefined) {
  const sent: Record<string, unknown>[] = [];
  const got: Record<string, unknown>[] = [];
  const transport = new ServerTransport(
    (message) => sent.push(JSON.parse(message) as Record<string, unknown>),
    answer,
    (params) => ({ ...params, more: true }),
  );
  transport.subscribe((message) => got.push(JSON.parse(message) as Record<string, unknown>));
  return { transport, sent, got };
}

describe('the way between editor and language server', () => {
  it('answers what servers ask, and says what is not offered', async () => {
    const { transport, sent, got } = makeTransport((method) => (method === 'workspace/configuration' ? [null] : undefined));
    transport.receive('{"jsonrpc":"2.0","id":"a","method":"workspace/configuration","params":{"items":[{}]}}');
    transport.receive('{"jsonrpc":"2.0","id":2,"method":"window/showDocument","params":{"uri":"https://evil.example"}}');
    await settle();
    expect(sent).toEqual([
      { jsonrpc: '2.0', id: 'a', result: [null] },
      { jsonrpc: '2.0', id: 2, error: { code: -32_601, message: 'window/showDocument is not offered' } },
    ]);
    expect(got).toEqual([]);
  });

  it('answers what is asked without parameters', async () => {
    const { transport, sent, got } = makeTransport(() => []);
    transport.receive('{"jsonrpc":"2.0","id":1,"method":"workspace/workspaceFolders"}');
    await settle();
    expect(sent).toEqual([{ jsonrpc: '2.0', id: 1, result: [] }]);
    expect(got).toEqual([]);
  });

  it('adds to the first words, and hands on answers and news', () => {
    const { transport, sent, got } = makeTransport();
    transport.send('{"id":1,"method":"initialize","params":{"rootUri":null}}');
    expect(sent).toEqual([{ id: 1, method: 'initialize', params: { rootUri: null, more: true } }]);
    transport.receive('{"id":1,"result":{}}');
    transport.receive('{"method":"window/logMessage","params":{}}');
    expect(got).toHaveLength(2);
    expect(() => transport.receive('no JSON')).toThrow();
  });

  it('leaves the reading of an answer to whom it is for, and knows that it has come', () => {
    const { transport, got } = makeTransport();
    transport.send('{"id":7,"method":"textDocument/completion"}');
    const parse = vi.spyOn(JSON, 'parse');
    transport.receive('{"jsonrpc":"2.0","id":7,"result":[]}');
    expect(parse).toHaveBeenCalledOnce();
    parse.mockRestore();
    transport.end();
    expect(got).toEqual([{ jsonrpc: '2.0', id: 7, result: [] }]);
  });

  it('tells whoever waits when the server ends, and whoever asks later', async () => {
    const { transport, got } = makeTransport();
    transport.send('{"id":1,"method":"initialize"}');
    transport.send('{"id":2,"method":"textDocument/hover"}');
    transport.end();
    transport.send('{"id":3,"method":"textDocument/hover"}');
    transport.send('{"method":"textDocument/didChange"}');
    await settle();
    expect(got).toMatchObject([
      { id: 1, result: { capabilities: {} } },
      { id: 2, error: {} },
      { id: 3, error: {} },
    ]);
  });
});
