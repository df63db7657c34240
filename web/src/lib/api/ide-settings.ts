import { type ChosenIdeSettings, chosenIdeSettings } from '@gatehouse/core/api/ide-settings.ts';
import { readVersioned } from './answer.ts';
import { quietApi } from './client.ts';

const own = quietApi.me['ide-settings'];

export const get = () => readVersioned(own.$get(), chosenIdeSettings);
export const put = (json: ChosenIdeSettings, etag: string) =>
  readVersioned(own.$put({ header: { 'if-match': etag }, json }), chosenIdeSettings);
