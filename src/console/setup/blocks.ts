/** Finds the lines of each tool in a policy as it is drafted. Pure. */

/** The lines from `from` on, up to before `to`. */
export interface PolicyBlock {
  readonly from: number;
  to: number;
}

const TOOL = /^ {2}(?:"((?:[^"\\]|\\.)*)"|([^\s"#-][^\s:]*)):/;

/** Where each tool's lines stand: they begin with its name, two spaces in. */
export function policyBlocks(lines: readonly string[]): ReadonlyMap<string, PolicyBlock> {
  const blocks = new Map<string, PolicyBlock>();
  let last: PolicyBlock | undefined;
  for (const [index, line] of lines.entries()) {
    const [start, quoted, bare] = TOOL.exec(line) ?? [];
    if (start === undefined && !/^\S|^ {2}#/.test(line)) continue;
    if (last) last.to = Math.min(last.to, index);
    last = undefined;
    if (start === undefined) continue;
    last = { from: index, to: lines.length };
    blocks.set(bare ?? unquote(quoted ?? ''), last);
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
