/** An agent that speaks over HTTP, as enforcement sees it: each POST an exchange, answers by the exchange they came back on. */
import type { Exchange, OutgoingFrame } from '../../src/proxy/exchange.ts';
import { openSession, type ProxySession } from '../../src/proxy/session.ts';
import type { SessionOptions } from '../../src/proxy/state.ts';
import { lines, type Message, type Options, openRig, type Rig } from './fixture.ts';

export interface Posts {
  readonly rig: Rig;
  readonly session: ProxySession;
  /** What went to the server, as it was sent. */
  readonly sent: OutgoingFrame[];
  /** What the agent got outside of any exchange. */
  readonly loose: (Message | Message[])[];
  /** Posts a body; the exchange is a new one unless given. */
  post(body: object | string, exchange?: Exchange): Promise<Exchange>;
  /** What came back on an exchange. */
  on(exchange: Exchange): (Message | Message[])[];
  /** The same, as text. */
  textsOn(exchange: Exchange): string[];
  /** The server writes, from one place. */
  say(...messages: readonly (object | string)[]): Promise<void>;
  /** The server writes on the stream of the agent's own; what may go on, parsed. */
  relay(message: object | string): Promise<(Message | Message[])[]>;
  /** The messages that went to the server, parsed. */
  messages(): Message[];
}

/** A session of several exchanges. */
export async function openPosts(carried: SessionOptions = {}, options: Options = {}): Promise<Posts> {
  return postsOver(await openRig(options), carried);
}

/** Another session over the same parts. */
export function postsOver(rig: Rig, carried: SessionOptions = {}): Posts {
  const sent: OutgoingFrame[] = [];
  const got = new Map<Exchange | undefined, string[]>();
  const parse = (texts: readonly string[]) => texts.map((text) => JSON.parse(text) as Message | Message[]);
  const loose: (Message | Message[])[] = [];
  const session = openSession(
    rig.ports,
    rig.served,
    rig.client,
    {
      toServer: (frames) => void sent.push(...frames),
      toAgent(frames, exchange) {
        const texts = frames.map(textOf);
        if (!exchange) loose.push(...parse(texts));
        else got.set(exchange, [...(got.get(exchange) ?? []), ...texts]);
      },
    },
    { anySpace: true, replaceIds: true, ...carried },
  );
  let count = 0;
  const settled = async () => {
    await session.agentIdle();
    await session.serverIdle();
  };
  return {
    rig,
    session,
    sent,
    loose,
    async post(body, exchange = { id: `e${++count}` }) {
      session.fromAgent(lines([body]), exchange);
      await settled();
      return exchange;
    },
    on: (exchange) => parse(got.get(exchange) ?? []),
    textsOn: (exchange) => got.get(exchange) ?? [],
    async say(...messages) {
      session.fromServer(lines(messages));
      await settled();
    },
    async relay(message) {
      const [line] = lines([message]);
      if (!line) throw new Error('nothing to relay');
      return parse((await session.relay(line)).map(textOf));
    },
    messages: () => sent.flatMap(({ bytes }) => JSON.parse(textOf(bytes)) as Message | Message[]).flat(),
  };
}

export function textOf(bytes: Uint8Array | string): string {
  return typeof bytes === 'string' ? bytes : new TextDecoder().decode(bytes);
}
