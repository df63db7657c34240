import { overview } from '@gatehouse/core/api/overview.ts';
import { read } from './answer.ts';
import { abortable, api, type Call } from './client.ts';

export const get = (call: Call = {}) => read(api.overview.$get({}, abortable(call)), overview);
