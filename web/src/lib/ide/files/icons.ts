import type { Component } from 'svelte';
import type { FileEntry } from '@gatehouse/core/protocol/services.ts';
import File from '@lucide/svelte/icons/file';
import FileCode from '@lucide/svelte/icons/file-code';
import FileCog from '@lucide/svelte/icons/file-cog';
import FileSymlink from '@lucide/svelte/icons/file-symlink';
import FileText from '@lucide/svelte/icons/file-text';
import Folder from '@lucide/svelte/icons/folder';
import FolderOpen from '@lucide/svelte/icons/folder-open';
import Image from '@lucide/svelte/icons/image';

const BY_EXTENSION: [RegExp, Component][] = [
  [/\.(png|jpe?g|gif|webp|avif|ico|svg|bmp)$/i, Image],
  [/\.(md|mdx|txt|rst|adoc|log|csv)$/i, FileText],
  [/(^|\/)(\.[^/]+|makefile|dockerfile[^/]*)$|\.(json|jsonc|ya?ml|toml|ini|conf|lock|env)$/i, FileCog],
  [/\.[a-z]+$/i, FileCode],
];

/** @param expanded of a folder; null for everything else */
export function fileIcon(name: string, kind: FileEntry['kind'] = 'file', expanded: boolean | null = null): Component {
  if (kind === 'directory') return expanded === true ? FolderOpen : Folder;
  if (kind === 'symlink') return FileSymlink;
  return BY_EXTENSION.find(([pattern]) => pattern.test(name))?.[1] ?? File;
}
