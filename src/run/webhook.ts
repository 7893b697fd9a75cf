/** The webhook of a policy with the secret that it names, from the environment. */
import { keyOf } from '../approval/post.ts';
import type { Policy } from '../core/policy.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** `key` undefined: notifications are not signed. */
export type WebhookSettings =
  | { readonly kind: 'none' }
  | { readonly kind: 'webhook'; readonly url: string; readonly key: Uint8Array | undefined }
  /** Why the policy cannot be enforced as it stands. */
  | { readonly kind: 'fault'; readonly why: string };

/** Reads it. A secret that is named and not there is a fault: nothing is sent unsigned by mistake. */
export function webhookOf({ approvals: { webhook } }: Policy, env: Environment): WebhookSettings {
  if (!webhook) return { kind: 'none' };
  const { url, secretEnv } = webhook;
  if (secretEnv === undefined) return { kind: 'webhook', url, key: undefined };
  const key = keyOf(env[secretEnv] ?? '');
  if (key) return { kind: 'webhook', url, key };
  return {
    kind: 'fault',
    why: `the environment variable ${JSON.stringify(secretEnv)} of \`approvals.notify.webhook.secret_env\` holds no secret: set it to a text, or to \`whsec_\` and base64`,
  };
}
