/** Certificates for a test, made by openssl. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Certified } from './raw-server.ts';

export interface Certificates {
  /** Where the authority's own certificate is. */
  readonly authority: string;
  /** Vouched for by the authority; `names` as openssl writes them, such as `DNS:localhost,IP:127.0.0.1`. */
  issue(names: string): Certified;
  remove(): void;
}

export const OPENSSL = Bun.which('openssl');

/** Makes an authority. */
export function makeAuthority(): Certificates {
  const folder = mkdtempSync(join(tmpdir(), 'intercept-certificates-'));
  const at = (name: string) => join(folder, name);
  const openssl = (...args: string[]) => void execFileSync(OPENSSL ?? 'openssl', args, { stdio: 'pipe' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl('req', '-x509', ...key, '-days', '2', '-subj', '/CN=test authority', '-keyout', at('ca.key'), '-out', at('ca.pem'));
  let count = 0;
  return {
    authority: at('ca.pem'),
    issue(names) {
      const name = `leaf${count++}`;
      writeFileSync(at(`${name}.ext`), `subjectAltName=${names}\n`);
      openssl('req', ...key, '-subj', '/CN=leaf', '-keyout', at(`${name}.key`), '-out', at(`${name}.csr`));
      const signed = ['-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-CAcreateserial', '-days', '2', '-extfile', at(`${name}.ext`)];
      openssl('x509', '-req', '-in', at(`${name}.csr`), ...signed, '-out', at(`${name}.pem`));
      return { key: readFileSync(at(`${name}.key`), 'utf8'), cert: readFileSync(at(`${name}.pem`), 'utf8') };
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
