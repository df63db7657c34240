const GIBI = 1024;

/** "2 GB", "1.5 GB", "512 MB": sizes as people say them. @param mb MiB */
export const sizeWords = (mb: number): string => (mb < GIBI ? `${Math.round(mb)} MB` : `${Number((mb / GIBI).toFixed(1))} GB`);

export const outOfMemory = (memoryMb: number | null): string =>
  memoryMb === null
    ? 'the runner’s machine had no more memory for its workspaces'
    : `the workspace used more than its ${sizeWords(memoryMb)} of memory`;

export const outOfDisk = (diskMb: number): string =>
  `the workspace used more than its ${sizeWords(diskMb)} of disk. Its files are kept: start it again and delete what is not needed`;
