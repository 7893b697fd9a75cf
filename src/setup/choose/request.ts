/**
 * Reads a request of the page: a step, by the places of servers and tools and by the names of columns. SECURITY: nothing that
 * it sends is a command, a path or a text that gets into a file.
 */
import { COLUMNS } from '../draft/model.ts';
import { RISKS } from '../risk/risk.ts';
import { groupTools } from './groups.ts';
import { type ChoiceStep, type Choosing, type ChosenServer, toolsOf } from './model.ts';

/** A person may ask for this: a step, or what starts servers or ends it. */
export type ChoiceRequest =
  | ChoiceStep
  | { readonly kind: 'start' }
  | { readonly kind: 'retry'; readonly server: number }
  | { readonly kind: 'finish' }
  | { readonly kind: 'cancel' };

type Body = Readonly<Record<string, unknown>>;

const COVERS = ['rules', 'library', 'closed', 'open'] as const;
const MODES = ['enforce', 'shadow'] as const;
const STAGES = ['rules', 'mode'] as const;
const CHOICES = [...COLUMNS, 'suggested'] as const;

/** Reads what was asked; undefined where it is nothing that may be asked now. */
export function readRequest(body: Body, { servers, stage }: Choosing): ChoiceRequest | undefined {
  const { kind } = body;
  if (kind === 'start' || kind === 'finish' || kind === 'cancel' || kind === 'undo') return { kind };
  if (kind === 'mode') {
    const mode = oneOf(MODES, body.mode);
    return mode && { kind, mode };
  }
  if (kind === 'stage') {
    const next = oneOf(STAGES, body.stage);
    return next && stage !== 'start' ? { kind, stage: next } : undefined;
  }
  const server = placeIn(servers, body.server);
  const chosen = servers[server ?? -1];
  return server === undefined || !chosen ? undefined : readAboutServer(body, server, chosen);
}

function readAboutServer(body: Body, server: number, chosen: ChosenServer): ChoiceRequest | undefined {
  switch (body.kind) {
    case 'retry':
      return { kind: 'retry', server };
    case 'tick':
      return typeof body.ticked === 'boolean' ? { kind: 'tick', server, ticked: body.ticked } : undefined;
    case 'cover': {
      const cover = oneOf(COVERS, body.cover);
      return cover && { kind: 'cover', server, cover };
    }
    case 'column': {
      const column = oneOf(CHOICES, body.column);
      const tools = readTools(body, chosen);
      return column && tools && { kind: 'column', server, tools, column };
    }
    default:
      return undefined;
  }
}

/** By their places, or all of a class, or all. */
function readTools({ tools, risk }: Body, { server }: ChosenServer): readonly number[] | undefined {
  const all = toolsOf(server);
  if (tools === 'all') return [...all.keys()];
  const wanted = oneOf(RISKS, risk);
  if (wanted) return groupTools(all).find((group) => group.risk === wanted)?.tools ?? [];
  if (!Array.isArray(tools) || tools.length > all.length) return undefined;
  const places = tools.map((place: unknown) => placeIn(all, place));
  return places.every((place) => place !== undefined) ? places : undefined;
}

function placeIn(list: readonly unknown[], place: unknown): number | undefined {
  return typeof place === 'number' && Number.isInteger(place) && place >= 0 && place < list.length ? place : undefined;
}

function oneOf<Name extends string>(names: readonly Name[], given: unknown): Name | undefined {
  return names.find((name) => name === given);
}
