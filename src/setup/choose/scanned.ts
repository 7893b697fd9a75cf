/** A server that was scanned, as a person chooses about it: each tool with its suggested column, and the draft of its policy. */
import { openDraft } from '../draft/draft.ts';
import type { DraftOptions, ScannedServer } from '../draft/model.ts';
import { limitOf, suggestedColumn } from '../draft/rules.ts';
import type { ToolRisk } from '../risk/risk.ts';
import type { ServerState } from './servers.ts';

/** `risks` are the classes of the server's tools, in their order. */
export function scannedState(server: ScannedServer, risks: readonly ToolRisk[], options: Omit<DraftOptions, 'columns'>): ServerState {
  const draft = openDraft(server, risks);
  const tools = server.tools.flatMap(({ name, description }, place) => {
    const risk = risks[place];
    if (!risk) return [];
    const { column, says } = suggestedColumn(risk, options.preset);
    const limit = limitOf(risk);
    return [{ name, description, risk, suggested: column, limit, says: says === limit ? undefined : says }];
  });
  return { kind: 'scanned', tools, draft: (columns) => draft({ ...options, columns }) };
}
