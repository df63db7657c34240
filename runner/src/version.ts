import manifest from '../package.json' with { type: 'json' };

export const VERSION = manifest.version;
export const PLATFORM = `${process.platform}-${process.arch}, Node ${process.versions.node}`;
