/** The text of docs/policies.md above its table. */

export interface LibraryCounts {
  readonly servers: number;
  readonly tools: number;
  readonly sharp: number;
}

/** The lines before the table. */
export function introduction({ servers, tools, sharp }: LibraryCounts): readonly string[] {
  return `<!-- written by "npm run library" -->

# Policies that are there already

For ${servers} MCP servers with ${thousands(tools)} tools there is a policy to begin with. Each was made from a scan of the published package:
every tool is listed with the rule of its class, what is not listed is denied. For ${sharp} servers a person wrote
further rules: amounts and currencies, branches, folders, hosts, queries that only read.

\`\`\`sh
intercept policies for -- npx -y @stripe/mcp@0.2.5   # is there one for this command?
intercept policies show stripe                       # read it
intercept policies add stripe                        # write stripe.yaml, to be edited
intercept -c stripe.yaml -- npx -y @stripe/mcp@0.2.5 --tools=all
\`\`\`

\`intercept -c library:stripe -- …\` runs the policy as it came with the program, without a file. To read it and to change it, add it:
edits of a file hold at once.

| | |
|---|---|
| **suggested** | the file: tools that read may be called 60 times a minute, those that write 30 times an hour, those that execute 10 times an hour; money waits for a person's approval; what cannot be undone is denied |
| **read-only** | \`--preset read-only\`: tools that read are listed, the rest is denied and hidden |

A policy names the version that it was made for. Another version may have other tools: they are denied until somebody lists
them. \`intercept validate FILE -- COMMAND\` asks the server itself and says what differs.`.split('\n');
}

function thousands(count: number): string {
  return count.toLocaleString('en-US');
}
