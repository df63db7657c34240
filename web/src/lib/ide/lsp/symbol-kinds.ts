/** What the protocol's numbers of symbols mean, in a word. */
// prettier-ignore
const KINDS = ['', 'file', 'module', 'namespace', 'package', 'class', 'method', 'property', 'field', 'constructor', 'enum', 'interface',
  'function', 'variable', 'constant', 'string', 'number', 'boolean', 'array', 'object', 'key', 'null', 'enum member', 'struct', 'event',
  'operator', 'type parameter'];

export const symbolKind = (kind: number): string => KINDS[kind] ?? '';
