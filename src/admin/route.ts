/** One table of routes: what is served, and what the OpenAPI document says of it. */
import type { AdminAnswer } from './answer.ts';

/** A request that may be answered: its source and its token were checked. */
export interface AdminCall {
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** A single value of a header, lower-case name. */
  readonly header: (name: string) => string | undefined;
  /** The JSON object that was sent; empty where none was. */
  readonly body: Readonly<Record<string, unknown>>;
  /** The connection was closed meanwhile. */
  readonly isGone: () => boolean;
}

export type Schema = Readonly<Record<string, unknown>>;

/** The route's part of the OpenAPI document. Schemas are JSON Schema 2020-12, or names of components. */
export interface RouteDoc {
  readonly id: string;
  readonly summary: string;
  readonly query?: Readonly<Record<string, Schema>>;
  readonly body?: Schema;
  /** The answer with status 200: the name of a component, or the media type of a stream. */
  readonly answer: { readonly component: string } | { readonly stream: string; readonly component: string };
  /** The statuses of refusals besides those that every route has. */
  readonly refusals: readonly number[];
  /** With an approver secret set, `X-Intercept-Approver` has to bear it. */
  readonly approver?: boolean;
  /** A path of earlier versions. */
  readonly deprecated?: boolean;
}

export interface AdminRoute {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** `:name` stands for one segment. */
  readonly path: string;
  /** `token`: the bearer token. `page`: the page's own session, which the route checks. `open`: a page that holds nothing. */
  readonly access: 'token' | 'page' | 'open';
  readonly doc?: RouteDoc;
  answer(call: AdminCall): Promise<AdminAnswer> | AdminAnswer;
}

export type Match =
  | { readonly kind: 'route'; readonly route: AdminRoute; readonly params: Readonly<Record<string, string>> }
  | { readonly kind: 'other_method'; readonly allowed: readonly string[] }
  | { readonly kind: 'none' };

/** Finds the route; a literal segment wins over a named one. */
export function matchRoute(routes: readonly AdminRoute[], method: string, path: string): Match {
  const found = routes.flatMap((route) => {
    const params = paramsOf(route.path, path);
    return params ? [{ route, params }] : [];
  });
  const most = found.filter(({ params }) => Object.keys(params).length === Math.min(...found.map((one) => Object.keys(one.params).length)));
  const exact = most.find(({ route }) => route.method === method);
  if (exact) return { kind: 'route', ...exact };
  return most.length === 0 ? { kind: 'none' } : { kind: 'other_method', allowed: most.map(({ route }) => route.method) };
}

function paramsOf(pattern: string, path: string): Readonly<Record<string, string>> | undefined {
  const wanted = pattern.split('/');
  const given = path.split('/');
  if (wanted.length !== given.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, segment] of wanted.entries()) {
    const value = given[index] ?? '';
    if (!segment.startsWith(':')) {
      if (segment !== value) return undefined;
    } else if (/^[\w-]{1,64}$/.test(value)) params[segment.slice(1)] = value;
    else return undefined;
  }
  return params;
}
