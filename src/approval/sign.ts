/** Signatures in the style of Standard Webhooks: HMAC-SHA256 over id, time and body. */
import { createHmac } from 'node:crypto';

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
const PREFIX = 'whsec_';

/** The key that a secret stands for: base64 behind `whsec_`, else the text's own bytes. Undefined where it is no secret. */
export function keyOf(secret: string): Uint8Array | undefined {
  if (!secret.startsWith(PREFIX)) return secret === '' ? undefined : Buffer.from(secret, 'utf8');
  const text = secret.slice(PREFIX.length);
  return BASE64.test(text) ? Buffer.from(text, 'base64') : undefined;
}

/** The headers of one try; `now` in epoch ms. Without a key there is no signature. */
export function webhookHeaders(id: string, now: number, body: string, key: Uint8Array | undefined): Readonly<Record<string, string>> {
  const timestamp = String(Math.floor(now / 1000));
  const headers = { 'webhook-id': id, 'webhook-timestamp': timestamp };
  if (!key) return headers;
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  return { ...headers, 'webhook-signature': `v1,${signature}` };
}
