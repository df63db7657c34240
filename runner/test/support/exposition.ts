/**
 * Parses what Prometheus scrapes, and is strict about it: text format 0.0.4 as its specification has it.
 * https://prometheus.io/docs/instrumenting/exposition_formats/
 */
export interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

export interface Family {
  name: string;
  help: string;
  type: 'counter' | 'gauge' | 'histogram' | 'summary' | 'untyped';
  samples: Sample[];
}

const HELP = /^# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) (\S(?:[^\\]|\\\\|\\n)*)$/;
const TYPE = /^# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram|summary|untyped)$/;
/** Values are what Go's ParseFloat takes, which does not mind the case of NaN. */
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? ([nN]a[nN]|[+-]Inf|[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)$/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/gy;
const SUFFIXES: Partial<Record<Family['type'], string[]>> = {
  histogram: ['_bucket', '_sum', '_count'],
  summary: ['', '_sum', '_count'],
};

/** @throws Error that names the line which is wrong */
export function parseExposition(text: string): Map<string, Family> {
  if (!text.endsWith('\n')) throw new Error('the last line has no end');
  const families = new Map<string, Family>();
  const seen = new Set<string>();
  let family: Family | null = null;
  let help: [name: string, text: string] | null = null;
  for (const line of text.slice(0, -1).split('\n')) {
    if (line === '') continue;
    const [, helped, words = ''] = HELP.exec(line) ?? [];
    const [, typed, type] = TYPE.exec(line) ?? [];
    if (helped !== undefined) help = [helped, words];
    else if (typed !== undefined) {
      if (help?.[0] !== typed || families.has(typed)) throw new Error(`no help, or a second time: ${line}`);
      family = { name: typed, help: help[1], type: type as Family['type'], samples: [] };
      families.set(typed, family);
    } else {
      const sample = sampleIn(line);
      const names = (SUFFIXES[family?.type ?? 'untyped'] ?? ['']).map((suffix) => `${family?.name}${suffix}`);
      if (family === null || !names.includes(sample.name)) throw new Error(`not of the family it stands in: ${line}`);
      const key = `${sample.name} ${JSON.stringify(Object.entries(sample.labels).sort())}`;
      if (seen.has(key)) throw new Error(`a second time: ${line}`);
      seen.add(key);
      family.samples.push(sample);
    }
  }
  return families;
}

function sampleIn(line: string): Sample {
  const [, name, labels = '', value = ''] = SAMPLE.exec(line) ?? [];
  if (name === undefined) throw new Error(`neither comment nor sample: ${line}`);
  const found = [...labels.matchAll(LABEL)];
  if (found.map(([whole]) => whole).join('') !== labels) throw new Error(`labels are wrong: ${line}`);
  return {
    name,
    labels: Object.fromEntries(found.map(([, label = '', text = '']) => [label, text])),
    value: /nan/i.test(value) ? NaN : Number(value.replace('Inf', 'Infinity')),
  };
}
