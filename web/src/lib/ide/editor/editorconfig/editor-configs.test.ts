import { beforeEach, describe, expect, it } from 'vitest';
import { StreamError } from '../../connection/stream-error.ts';
import { encodeText } from '../text-file.ts';
import { EditorConfigs } from './editor-configs.ts';

let disk: Record<string, string>;
let reads: string[];
let configs: EditorConfigs;

beforeEach(() => {
  disk = {};
  reads = [];
  configs = new EditorConfigs({
    read: (path) => {
      reads.push(path);
      const text = disk[path];
      if (text === undefined) return Promise.reject(new StreamError('not-found', 'Nothing is there'));
      return Promise.resolve({ entry: { name: '', kind: 'file', size: 1, modified: 0 }, etag: 'v', bytes: encodeText(text), why: null });
    },
  });
});

describe('what a project asks of a file', () => {
  it('is read from all folders above, the nearest last', async () => {
    disk['.editorconfig'] = '[*]\nindent_style = tab\nmax_line_length = 100\n';
    disk['shop/.editorconfig'] = '# ours\n[*.{ts,js}]\nindent_style = space\nindent_size = 4\n';
    expect(await configs.styleOf('shop/src/a.ts')).toEqual({ indentStyle: 'space', indentSize: 4, tabWidth: 4, maxLineLength: 100 });
    expect(await configs.styleOf('shop/src/a.go')).toEqual({ indentStyle: 'tab', maxLineLength: 100 });
  });

  it('ends at a root', async () => {
    disk['.editorconfig'] = '[*]\nmax_line_length = 100\n';
    disk['shop/.editorconfig'] = 'root = true\n\n[*]\nend_of_line = crlf\ncharset = utf-8-bom\n';
    expect(await configs.styleOf('shop/a.ts')).toEqual({ endOfLine: '\r\n', byteOrderMark: true });
  });

  it.each([
    ['[*.md]', 'docs/a.md', true],
    ['[docs/*.md]', 'docs/a.md', true],
    ['[/*.md]', 'docs/a.md', false],
    ['[docs/**.md]', 'docs/deep/a.md', true],
    ['[Makefile]', 'docs/Makefile', true],
    ['[a{1..3}.md]', 'docs/a2.md', true],
    ['[a{1..3}.md]', 'docs/a4.md', false],
    ['[[broken]', 'docs/a.md', false],
  ])('%s and %s: %s', async (glob, path, applies) => {
    disk['.editorconfig'] = `${glob}\ninsert_final_newline = true\n`;
    expect((await configs.styleOf(path)).insertFinalNewline ?? false).toBe(applies);
  });

  it('leaves out what makes no sense', async () => {
    disk['.editorconfig'] = '[*]\nindent_size = many\nend_of_line = cr\nmax_line_length = off\ntrim_trailing_whitespace = unset\n';
    expect(await configs.styleOf('a.ts')).toEqual({});
  });

  it('is read once, until one of them changes', async () => {
    await configs.styleOf('shop/a.ts');
    await configs.styleOf('shop/b.ts');
    expect(reads.sort()).toEqual(['.editorconfig', 'shop/.editorconfig']);
    expect(configs.changed(['shop/a.ts'])).toBe(false);
    disk['shop/.editorconfig'] = '[*]\ntab_width = 3\n';
    expect(configs.changed(['shop/.editorconfig'])).toBe(true);
    expect(await configs.styleOf('shop/a.ts')).toEqual({ tabWidth: 3 });
  });
});
