/** The answers to the page: bounded, and each text of a stranger in pieces. */
import { escapeUnseen } from '../../audit/escape.ts';
import type { ServerRules, ServerSummary, ServerTools, SetupState, ToolLine } from '../../console/setup/api.ts';
import { type Piece, revealText } from '../../core/reveal.ts';
import { COLUMNS } from '../draft/model.ts';
import type { PolicyPreview } from './chooser.ts';
import { countColumns } from './groups.ts';
import { type Choosing, type ChosenServer, columnOf, coversOf, isKept, notesOf, toolsOf } from './model.ts';
import { evidenceOf, type ToolToChoose } from './servers.ts';

/** Characters of a description, a name, a line. The whole of a name stands in the policy. */
const MOST_TEXT = 400;
const MOST_NAME = 200;
const MOST_EVIDENCE = 160;
/** Characters of a policy that are shown. */
const MOST_POLICY = 120_000;
const MOST_LISTED = 50;
const ELLIPSIS: Piece = { kind: 'plain', text: '…' };

/** Where the page stands, with one line for each server. */
export function viewState(choosing: Choosing, revision: number, end: 'done' | 'cancelled' | undefined): SetupState {
  return {
    stage: end ?? choosing.stage,
    mode: choosing.mode,
    revision,
    canUndo: choosing.past.length > 0,
    servers: choosing.servers.map(viewServer),
  };
}

function viewServer(one: ChosenServer): ServerSummary {
  const { name, clients, command, library = '', state } = one.server;
  return {
    name: reveal(name, MOST_NAME),
    clients: clients.slice(0, MOST_LISTED).map((client) => reveal(client, MOST_NAME)),
    command: revealProse(command),
    notes: notesOf(one.server)
      .slice(0, MOST_LISTED)
      .map((note) => revealProse(note)),
    kind: state.kind,
    why: 'why' in state ? revealProse(state.why) : [],
    ticked: one.ticked,
    cover: one.cover,
    covers: coversOf(one.server),
    library: reveal(library, MOST_NAME),
    tools: toolsOf(one.server).length,
    kept: isKept(one.server),
    counts: countColumns(one),
    changed: one.columns.size,
  };
}

/** The tools of one server, in its order. */
export function viewTools(one: ChosenServer): ServerTools {
  return { tools: toolsOf(one.server).map(viewTool) };
}

function viewTool({ name, description = '', risk, suggested, limit, says = '' }: ToolToChoose): ToolLine {
  const evidence = evidenceOf(risk);
  return {
    name: reveal(name, MOST_NAME),
    description: reveal(
      description
        .slice(0, 2 * MOST_TEXT)
        .trim()
        .replace(/\s+/g, ' '),
      MOST_TEXT,
    ),
    risk: risk.risk,
    evidence: reveal(evidence, MOST_EVIDENCE),
    sensitive: risk.sensitive,
    unsure: risk.unsure,
    suggested,
    limit,
    says: reveal(says, MOST_TEXT),
  };
}

/** The rules of one server, and its policy. */
export function viewRules(one: ChosenServer, revision: number, { text, leftOut, diagnostics }: PolicyPreview): ServerRules {
  const end = text.length > MOST_POLICY ? text.lastIndexOf('\n', MOST_POLICY) : text.length;
  return {
    revision,
    columns: toolsOf(one.server)
      .map((tool) => COLUMNS.indexOf(columnOf(one, tool)))
      .join(''),
    // SECURITY: the draft has none of them; a mistake in it would turn the reading direction of the whole page.
    text: text.slice(0, end).split('\n').map(escapeUnseen).join('\n'),
    moreLines: text.slice(end).split('\n').length - 1,
    diagnostics: diagnostics.slice(0, MOST_LISTED).map(({ severity, code, position, message, help = '' }) => ({
      severity,
      code,
      line: position.line,
      message: reveal(message, MOST_TEXT),
      help: reveal(help, MOST_TEXT),
    })),
    leftOut: leftOut.slice(0, MOST_LISTED).map(({ name, why }) => ({ name: reveal(name, MOST_NAME), why: reveal(why, MOST_TEXT) })),
  };
}

function reveal(text: string, most: number): readonly Piece[] {
  return text.length > most ? [...revealText(text.slice(0, most - 1).replace(/[\ud800-\udbff]$/, '')), ELLIPSIS] : revealText(text);
}

/** The same for what is partly written by us, where an ellipsis stands for what is masked. */
function revealProse(text: string): readonly Piece[] {
  const parts = text.slice(0, MOST_TEXT).split('…');
  return parts.flatMap((part, index) => (index === 0 ? revealText(part) : [ELLIPSIS, ...revealText(part)]));
}
