/** What is not built yet. */
import type { Records } from '../core/store.ts';
import { StoreError } from '../core/store.ts';

const refuse = (): Promise<never> => Promise.reject(new StoreError('not built yet'));

export function unbuilt(list: Records['approvals']['list']): Records {
  return {
    approvals: {
      list,
      find: refuse,
      decide: refuse,
      expire: refuse,
      secret: refuse,
      protect: refuse,
      events: refuse,
      due: refuse,
      delivered: refuse,
      failed: refuse,
    },
    claims: { list: refuse, resolve: refuse },
  };
}
