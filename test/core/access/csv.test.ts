import { expect, test } from 'vitest';
import { csvLine } from '@gatehouse/core/api/csv.ts';

test('a line of CSV quotes everything and doubles quotes (RFC 4180)', () => {
  expect(csvLine(['plain', 'with "quotes", and a comma', ''])).toBe('"plain","with ""quotes"", and a comma",""\r\n');
});

test.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', '  =cmd|calc', ' \n@x'])('%j can’t be run by a spreadsheet', (cell) => {
  expect(csvLine([cell])).toBe(`"'${cell}"\r\n`);
});

test.each(['a=b', 'x-y', 'ines@acme.test', '1-2'])('%j is left as it is', (cell) => {
  expect(csvLine([cell])).toBe(`"${cell}"\r\n`);
});
