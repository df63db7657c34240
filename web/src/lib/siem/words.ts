import type { Destination, DestinationConfig } from '@gatehouse/core/api/audit.ts';
import type { Tone } from '#lib/components/Status.svelte';

export const TYPE_NAMES: Record<DestinationConfig['type'], string> = {
  'splunk-hec': 'Splunk HEC',
  webhook: 'Signed webhook',
  s3: 'S3-compatible bucket',
  sentinel: 'Microsoft Sentinel',
  datadog: 'Datadog',
  elastic: 'Elasticsearch',
};

interface FieldWords {
  path: string;
  label: string;
  hint?: string;
  placeholder?: string;
}

/** What each kind asks for besides its name, filter and secret. What is left empty takes the usual value. */
export const CONFIG_FIELDS: Record<DestinationConfig['type'], FieldWords[]> = {
  'splunk-hec': [
    { path: 'url', label: 'Address', placeholder: 'https://hec.example.com:8088' },
    { path: 'index', label: 'Index', hint: 'Empty: the token’s default.' },
    { path: 'source', label: 'Source', placeholder: 'gatehouse' },
  ],
  webhook: [
    { path: 'url', label: 'Address', placeholder: 'https://soc.example.com/hooks/gatehouse' },
    { path: 'signing', label: 'Signing', placeholder: 'hmac', hint: 'hmac, or ed25519 to verify with a public key.' },
  ],
  s3: [
    { path: 'url', label: 'Address', placeholder: 'https://s3.eu-central-1.amazonaws.com', hint: 'Of the service, without the bucket.' },
    { path: 'bucket', label: 'Bucket' },
    { path: 'region', label: 'Region', placeholder: 'us-east-1' },
    { path: 'prefix', label: 'Prefix', placeholder: 'gatehouse' },
    { path: 'accessKeyId', label: 'Access key id' },
  ],
  sentinel: [
    { path: 'url', label: 'Data collection endpoint', placeholder: 'https://….ingest.monitor.azure.com' },
    { path: 'ruleId', label: 'Immutable id of the rule', placeholder: 'dcr-…' },
    { path: 'stream', label: 'Stream', placeholder: 'Custom-Gatehouse_CL' },
    { path: 'directoryId', label: 'Directory (tenant) id' },
    { path: 'clientId', label: 'Application (client) id' },
    { path: 'authority', label: 'Sign-in address', placeholder: 'https://login.microsoftonline.com' },
  ],
  datadog: [
    { path: 'url', label: 'Intake', placeholder: 'https://http-intake.logs.datadoghq.eu' },
    { path: 'service', label: 'Service', placeholder: 'gatehouse' },
    { path: 'tags', label: 'Tags', placeholder: 'env:prod,team:soc' },
  ],
  elastic: [
    { path: 'url', label: 'Address', placeholder: 'https://elastic.example.com:9243' },
    { path: 'index', label: 'Data stream or index', placeholder: 'logs-gatehouse.audit-default' },
  ],
};

export const SECRET_NAMES: Record<DestinationConfig['type'], string> = {
  'splunk-hec': 'Token',
  webhook: 'Secret',
  s3: 'Secret access key',
  sentinel: 'Client secret',
  datadog: 'API key',
  elastic: 'API key',
};

const STATE_SHOWN: Record<Destination['state'], { tone: Tone; word: string }> = {
  active: { tone: 'ok', word: 'Active' },
  paused: { tone: 'off', word: 'Paused' },
  failing: { tone: 'bad', word: 'Failing' },
  held: { tone: 'bad', word: 'Held' },
};

/** How a destination's state is told. One that has never taken an event is not known to work. */
export function shownState({ state, lastSuccessAt }: Pick<Destination, 'state' | 'lastSuccessAt'>): { tone: Tone; word: string } {
  return state === 'active' && lastSuccessAt === null ? { tone: 'unknown', word: 'Not delivered yet' } : STATE_SHOWN[state];
}
