/** Finds the lines of each tool in a policy as it is drafted. Pure. */

/** The lines from `from` on, up to before `to`. */
export interface PolicyBlock {
  readonly from: number;
  to: number;
}

/** The rules of a tool, or its entry in the list of those that are hidden. */
const ENTRY = /^ {2}(?:"((?:[^"\\]|\\.)*)"|([^\s"#*-][^\s:]*)):|^ {2}- (?:"((?:[^"\\]|\\.)*)"|(\S+))$/;
const END = /^\S|^ {2}#|^$/;

/** Finds where each tool's lines stand: they begin with its name, two spaces in, and end before a blank line or the next one. */
export function policyBlocks(lines: readonly string[]): ReadonlyMap<string, PolicyBlock> {
  const blocks = new Map<string, PolicyBlock>();
  let last: PolicyBlock | undefined;
  for (const [index, line] of lines.entries()) {
    const [start, quoted, bare, hiddenQuoted, hidden] = ENTRY.exec(line) ?? [];
    if (start === undefined && !END.test(line)) continue;
    if (last) last.to = index;
    last = start === undefined ? undefined : { from: index, to: lines.length };
    if (last) blocks.set(bare ?? hidden ?? unquote(quoted ?? hiddenQuoted ?? ''), last);
  }
  return blocks;
}

function unquote(text: string): string {
  try {
    return String(JSON.parse(`"${text}"`));
  } catch {
    return text;
  }
}
