/** Reads a policy file and says everything that is wrong with it, and with what it says of a server's tools. */
import type { Diagnostic } from '../core/diagnostic.ts';
import type { Policy } from '../core/policy.ts';
import type { ListedTool } from '../mcp/messages/lists.ts';
import { type Loaded, loadPolicyText } from '../policy/load.ts';
import { loadSchemas } from '../policy/schema/schema.ts';
import { checkServerSchemas } from '../policy/schema/server-schemas.ts';
import { checkAgainstServer } from '../policy/server.ts';
import { foldersOf, type PolicyText } from './policy-file.ts';

/** `policy` is undefined where the text is none. */
export type ValidatedFile =
  | {
      readonly kind: 'read';
      readonly file: string;
      readonly text: string;
      readonly policy: Policy | undefined;
      readonly diagnostics: readonly Diagnostic[];
    }
  | { readonly kind: 'unreadable'; readonly file: string; readonly why: string; readonly help: string | undefined };

/** Validates what was read, under the name of where it came from, and against the server's tools where they are known. Diagnostics come in the order of the text. */
export async function validateText(file: string, read: PolicyText, tools: readonly ListedTool[] | undefined): Promise<ValidatedFile> {
  if (read.kind === 'unreadable') return { kind: 'unreadable', file, why: read.why, help: read.help };
  const { text } = read;
  if (text.includes('\0')) return { kind: 'unreadable', file, why: 'is a binary file', help: 'name the policy: it is YAML text' };
  const loaded = await loadPolicyText(text, foldersOf(file));
  const { policy, diagnostics } = loaded;
  const about = policy && tools ? await checkTools(policy, tools, loaded.placeOf) : [];
  return { kind: 'read', file, text, policy, diagnostics: [...diagnostics, ...about].toSorted(byPosition) };
}

async function checkTools(policy: Policy, tools: readonly ListedTool[], placeOf: Loaded['placeOf']): Promise<readonly Diagnostic[]> {
  const schemas = policy.uses.serverSchemas ? checkServerSchemas(policy, tools, await loadSchemas()) : [];
  return [...checkAgainstServer(policy, tools, placeOf), ...schemas];
}

function byPosition(a: Diagnostic, b: Diagnostic): number {
  return a.position.line - b.position.line || a.position.column - b.position.column;
}
