/** The page on which a person chooses, served on this machine alone for as long as they choose (setup.md §3.4, console.md §2). */
import { sameText } from '../../admin/access.ts';
import { type AdminAnswer, json, refuse } from '../../admin/answer.ts';
import { textOf } from '../../admin/body.ts';
import { openDoor } from '../../admin/door.ts';
import { cookieOf, newSecret, openSessions } from '../../admin/page/sessions.ts';
import type { AdminCall, AdminRoute } from '../../admin/route.ts';
import type { SetupEntry } from '../../console/setup/api.ts';
import { DOCUMENT, POLICY } from '../../console/setup/built.ts';
import type { Chooser } from './chooser.ts';
import { readRequest } from './request.ts';
import { viewRules, viewState, viewTools } from './view.ts';

/** A link opens the page once, for so long, ms. */
const LINK = 600_000;
const MOST_SECRET = 200;
/** Bytes: the places of 10,000 tools. */
const MOST_BODY = 131_072;
/** Other tabs learn for so long that it is over, ms. */
const LINGER = 5_000;

export interface ChoicePage {
  /** The address with a new key, which opens the page once. The one before opens it no more. */
  newLink(): string;
  /** ms since the page last asked for anything; undefined where nobody opened it yet. */
  silence(): number | undefined;
  /** Stops at once. */
  close(): Promise<void>;
  /** Tells the tabs that are open how it ended, and stops a little later. */
  closeSoon(): void;
}

interface Serving {
  readonly chooser: Chooser;
  readonly monotonic: () => number;
  readonly links: Links;
  readonly heard: () => void;
}

/** Opens it on a port of its own. `monotonic` in ms. */
export async function openChoicePage(chooser: Chooser, monotonic: () => number): Promise<ChoicePage> {
  const links = createLinks(monotonic);
  let last: number | undefined;
  const heard = () => {
    last = monotonic();
  };
  const door = await openDoor({
    port: 0,
    routes: (port) => pageRoutes({ chooser, monotonic, links, heard }, port),
    // Nothing here is opened by a bearer token.
    token: newSecret(),
    monotonic,
    fault: (error) => refuse('internal', error instanceof Error ? error.message : String(error)),
    mostBody: MOST_BODY,
  });
  return {
    newLink: () => `${door.origin}/#k=${links.next()}`,
    silence: () => (last === undefined ? undefined : monotonic() - last),
    close: door.close,
    closeSoon: () => void setTimeout(() => void door.close(), LINGER).unref(),
  };
}

interface Links {
  next(): string;
  /** True once for the newest one, while its time lasts. */
  take(given: string): boolean;
}

function createLinks(monotonic: () => number): Links {
  let open: { readonly secret: string; readonly until: number } | undefined;
  return {
    next() {
      open = { secret: newSecret(), until: monotonic() + LINK };
      return open.secret;
    },
    take(given) {
      if (!open || monotonic() > open.until || !sameText(given, open.secret)) return false;
      open = undefined;
      return true;
    },
  };
}

function pageRoutes(serving: Serving, port: number): readonly AdminRoute[] {
  const { chooser, links, heard } = serving;
  const sessions = openSessions(serving.monotonic);
  const cookie = `intercept_setup_${port}`;
  const signedIn =
    (answer: (call: AdminCall) => Promise<AdminAnswer> | AdminAnswer): AdminRoute['answer'] =>
    (call) => {
      if (!sessions.find(cookieOf(call, cookie), call.header('x-intercept-key')))
        return refuse('unauthorized', 'open this page by its link; the terminal has a new one');
      heard();
      return answer(call);
    };
  const enter = ({ body }: AdminCall): AdminAnswer => {
    const given = textOf(body, 'secret', MOST_SECRET);
    if (!given || !links.take(given))
      return refuse('unauthorized', 'this link was used already, or its time is over; the terminal has a new one');
    heard();
    const session = sessions.open();
    const entry: SetupEntry = { key: session.key };
    return json(entry, { 'set-cookie': `${cookie}=${session.id}; Path=/page; HttpOnly; SameSite=Strict` });
  };
  const state = () => json(viewState(chooser.state(), chooser.revision(), chooser.ended()));
  return [
    { method: 'GET', path: '/', access: 'open', answer: () => ({ kind: 'page', html: DOCUMENT, policy: POLICY }) },
    { method: 'POST', path: '/page/session', access: 'page', answer: enter },
    { method: 'GET', path: '/page/state', access: 'page', answer: signedIn(state) },
    { method: 'GET', path: '/page/tools/:server', access: 'page', answer: signedIn((call) => tools(call, chooser)) },
    { method: 'GET', path: '/page/rules/:server', access: 'page', answer: signedIn((call) => rules(call, chooser)) },
    {
      method: 'POST',
      path: '/page/step',
      access: 'page',
      answer: signedIn(({ body }) => (chooser.ended() === undefined ? step(body, chooser) : undefined) ?? state()),
    },
  ];
}

function tools({ params: { server = '' } }: AdminCall, chooser: Chooser): AdminAnswer {
  const one = chooser.state().servers[Number(server)];
  return one?.server.state.kind === 'scanned' ? json(viewTools(one)) : unknownServer();
}

async function rules({ params: { server = '' } }: AdminCall, chooser: Chooser): Promise<AdminAnswer> {
  const revision = chooser.revision();
  const one = chooser.state().servers[Number(server)];
  const preview = await chooser.preview(Number(server));
  return one && preview ? json(viewRules(one, revision, preview)) : unknownServer();
}

function unknownServer(): AdminAnswer {
  return refuse('not_found', 'the tools of this server are not known');
}

/** Does what the page asks for; answers with a refusal. */
function step(body: AdminCall['body'], chooser: Chooser): AdminAnswer | undefined {
  const asked = readRequest(body, chooser.state());
  const why = asked ? chooser.take(asked) : 'this cannot be chosen here';
  return why === undefined ? undefined : refuse('bad_request', why);
}
