/**
 * Where clients learn how to get a token (wire.md §5): the upstream's own documents, in which the protected resource is
 * named as the client reaches it, for a token is asked for by that name.
 */
import type { HttpClient } from '../../http/client.ts';
import { valuesOf } from '../../http/headers.ts';
import type { ServedRequest } from '../../http/server.ts';
import { readBody } from '../upstream/read-answer.ts';
import { failureBy } from '../upstream/refused.ts';
import { JSON_TYPE } from './front.ts';

export interface WellKnown {
  /** Lets `WWW-Authenticate` name the proxy's document in place of the upstream's. */
  rewrite(headers: Record<string, string>, request: ServedRequest, status: number): Record<string, string>;
  serve(request: ServedRequest): Promise<void>;
}

/** The prefix of every path that is served here. */
export const WELL_KNOWN = '/.well-known/oauth-';
const RESOURCE = '/.well-known/oauth-protected-resource';
/** SECURITY: what stands in another parameter's quotes is passed over: changed there, the header would say other than what was judged. */
const METADATA = /(resource_metadata\s*=\s*")([^"\\]*)(")|"(?:[^"\\]|\\.)*"?/gi;
/** SECURITY: what a URL, or a server behind it, might read as a step up leads to what was never meant to be asked for with our headers. */
const PLAIN = /^(?:\/(?!\.{1,2}(?:\/|$))[\w.~-]*)+$/;
/** Bytes of a document. */
const MAX_DOCUMENT = 1024 * 1024;
/** ms. */
const PATIENCE = 30_000;

/** Serves the documents of the upstream of `client`. `path` is where its messages are taken here, `publicUrl` what clients know before it. */
export function openWellKnown(client: HttpClient, path: string, publicUrl?: string): WellKnown {
  const ownOrigin = (request: ServedRequest) => publicUrl ?? asCalled(request);
  // The URL that the upstream named for its document; else the standard's is used.
  let named: URL | undefined;
  let asksForToken = false;
  return {
    rewrite(headers, request, status) {
      if (status === 401) asksForToken = true;
      const challenge = headers['www-authenticate'];
      if (challenge === undefined) return headers;
      const rewritten = challenge.replace(METADATA, (whole, before?: string, value = '', after = '') => {
        const url = URL.parse(value, client.url);
        if (before === undefined || url?.origin !== client.url.origin) return whole;
        named = url;
        return `${before}${ownOrigin(request)}${RESOURCE}${path}${after}`;
      });
      return { ...headers, 'www-authenticate': rewritten };
    },
    async serve(request) {
      if (request.method !== 'GET') {
        request.reply.refuse(405, 'the method is not allowed', { headers: { allow: 'GET' } });
        return;
      }
      if (!PLAIN.test(request.path)) return request.reply.refuse(404, 'no document has such a path');
      const isResource = request.path.startsWith(RESOURCE);
      const places = isResource ? resourcePlaces(named, client.url) : [new URL(request.path, client.url)];
      const resource = `${ownOrigin(request)}${path}`;
      const asSeenHere = (document: object) => (isResource && namesUpstream(document, client.url) ? { ...document, resource } : document);
      // SPEC: 2025-03-26 — a server without such a document is its own authorization server, which a client would look for here.
      const otherwise = isResource && asksForToken ? { resource, authorization_servers: [client.url.origin] } : undefined;
      await pass(places, asSeenHere, otherwise, client, request);
    },
  };
}

/** Derives our URL from the client's `Host`, as if no proxy stood between. The host was checked before. */
function asCalled({ rawHeaders }: ServedRequest): string {
  return `http://${valuesOf(rawHeaders, 'host')[0] ?? ''}`;
}

function resourcePlaces(named: URL | undefined, { origin, pathname }: URL): readonly URL[] {
  const suffix = pathname === '/' ? '' : pathname;
  const standard = suffix === '' ? [new URL(RESOURCE, origin)] : [new URL(RESOURCE + suffix, origin), new URL(RESOURCE, origin)];
  return named ? [named, ...standard] : standard;
}

/** SECURITY: a client refuses a document of another resource (RFC 9728 §3.3); rewritten, it could not know. */
function namesUpstream(document: object, { origin, pathname }: URL): boolean {
  const named = 'resource' in document && typeof document.resource === 'string' ? URL.parse(document.resource) : null;
  return named?.origin === origin && within(pathname, named.pathname);
}

function within(path: string, folder: string): boolean {
  return `${path}/`.startsWith(folder.endsWith('/') ? folder : `${folder}/`);
}

/** Passes on the first document that there is. */
async function pass(
  places: readonly URL[],
  rewrite: (document: object) => object,
  otherwise: object | undefined,
  client: HttpClient,
  { reply }: ServedRequest,
): Promise<void> {
  try {
    for (const url of places) {
      const signal = AbortSignal.timeout(PATIENCE);
      const answer = await client.send({ method: 'GET', url, headers: { accept: 'application/json' }, signal });
      const body = answer.status === 200 ? await readBody(answer, MAX_DOCUMENT) : undefined;
      const document = body && parse(body);
      if (document) {
        reply.send(200, JSON_TYPE, JSON.stringify(rewrite(document)));
        return;
      }
      answer.discard();
    }
    if (otherwise) reply.send(200, JSON_TYPE, JSON.stringify(otherwise));
    else reply.refuse(404, 'the server has no such document');
  } catch (fault) {
    reply.refuse(502, failureBy(fault).why);
  }
}

function parse(body: Uint8Array): object | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(body).toString());
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
