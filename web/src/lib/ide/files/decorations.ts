/** How files stand to git, for whoever shows their names. The source control fills it. */

export type FileStatus = 'modified' | 'added' | 'untracked' | 'deleted' | 'conflict' | 'ignored';

export interface Decorations {
  /** of a file, or of a folder by what is in it; null: unchanged, or in no repository */
  statusOf(path: string): FileStatus | null;
}

export const STATUS_LETTERS: Record<FileStatus, string> = {
  modified: 'M',
  added: 'A',
  untracked: 'U',
  deleted: 'D',
  conflict: '!',
  ignored: '',
};

export const STATUS_WORDS: Record<FileStatus, string> = {
  modified: 'modified',
  added: 'added',
  untracked: 'not tracked yet',
  deleted: 'deleted',
  conflict: 'in conflict',
  ignored: 'ignored by git',
};
