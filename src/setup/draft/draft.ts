/** A scanned server to a policy's text. Pure: the same scan gives the same bytes. */
import type { ToolRisk } from '../risk/risk.ts';
import type { DraftOptions, PolicyDraft, ScannedServer } from './model.ts';

export type { Column, DraftOptions, PolicyDraft, Preset, ScannedServer } from './model.ts';

/** Writes the policy of a preset, with the person's choices. `risks` are the classes of the server's tools, in their order. */
export function draftPolicy(_server: ScannedServer, _risks: readonly ToolRisk[], { name }: DraftOptions): PolicyDraft {
  return { text: `version: "1"\nname: ${name}\ndefault: deny\nmethods: deny\n`, leftOut: [] };
}
