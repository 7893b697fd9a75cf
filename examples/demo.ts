/**
 * Shows what Intercept does, in a few seconds and without a network: the same calls to the same server, without and
 * with a policy, then a file server that may write in one folder only.
 *
 *   npm run demo            (npm run demo -- --keep leaves the temporary folder with the audit records)
 */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Agent, type Outcome, startAgent } from './demo/agent.ts';
import { COMPANY_CALLS, type Decision, type DemoCall, fileCalls, targetOf } from './demo/calls.ts';
import { readDecisions, readEffects, sayHarm } from './demo/evidence.ts';
import { openPage, type Page, styleOf } from './demo/print.ts';

const ROOT = join(import.meta.dirname, '..');
/** How Intercept is started here. Installed, it is just `intercept`. */
const INTERCEPT = [process.execPath, join(ROOT, 'src/cli/main.ts')];
const COMPANY = [process.execPath, join(ROOT, 'examples/server.ts')];
const FILE_SERVER = [process.execPath, join(ROOT, 'node_modules/@modelcontextprotocol/server-filesystem/dist/index.js')];
/** The folder that examples/files.yaml is written for. */
const PLACEHOLDER = '/srv/project';

const TOOL_WIDTH = 19;
const BRIEF_WIDTH = 13;
const DECISION_WIDTH = 7;

interface Stage {
  readonly page: Page;
  readonly folder: string;
  /** Agents to end when the demo ends, however it ends; also those that are still starting. */
  readonly agents: Promise<Agent>[];
}

/** Starts an agent that the stage ends. */
function enter(stage: Stage, command: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Agent> {
  const agent = startAgent(command, env);
  stage.agents.push(agent);
  return agent;
}

/** The command that puts Intercept in front of another. */
function behind(policy: string, command: readonly string[]): readonly string[] {
  return [...INTERCEPT, '-c', policy, '--', ...command];
}

/** Fails the demo where the outcome is not the one that was promised. */
function expectThat(holds: boolean, message: string): void {
  if (!holds) throw new Error(message);
}

function expectDecision(call: DemoCall, decision: Decision): void {
  expectThat(decision === call.expected, `expected ${call.expected} for ${call.tool} ${call.brief}, got ${decision}`);
}

/** Fails the demo where a decision is not in the audit as the agent saw it. */
async function expectRecord(home: string, call: DemoCall, { decision }: Outcome): Promise<void> {
  const record = (await readDecisions(home)).at(-1);
  const wanted = { ALLOW: 'allowed', DENY: 'denied', AWAIT: 'approval_required' }[decision];
  const found = record ? `${record.tool} ${record.result}` : 'none';
  expectThat(found === `${call.tool} ${wanted}`, `expected an audit record of ${call.tool} ${wanted}, got ${found}`);
}

function count(decisions: readonly Decision[], decision: Decision): number {
  return decisions.filter((d) => d === decision).length;
}

/** Nine calls, to the bare server and to the one behind Intercept. */
async function showCompany(stage: Stage): Promise<void> {
  const { page, folder } = stage;
  const [bareLedger, ledger, home] = [join(folder, 'bare.jsonl'), join(folder, 'intercepted.jsonl'), join(folder, 'company')];
  page.heading('Same agent. Same tools. One has a policy file.');
  page.paragraph('Nine calls to examples/server.ts: straight, and through Intercept with examples/policy.yaml.', 'dim');
  page.line();
  const [bare, intercepted] = await Promise.all([
    enter(stage, COMPANY, { DEMO_LEDGER: bareLedger }),
    enter(stage, behind(join(ROOT, 'examples/policy.yaml'), COMPANY), { DEMO_LEDGER: ledger, INTERCEPT_HOME: home }),
  ]);
  printRow(page, ['TOOL', 'ARGUMENT', 'WITHOUT', 'WITH', 'WHY']);
  const without: Decision[] = [];
  const decisions: Decision[] = [];
  for (const call of COMPANY_CALLS) {
    const [plain, outcome] = await Promise.all([bare.call(call), intercepted.call(call)]);
    printRow(page, [call.tool, call.brief, plain.decision, outcome.decision, outcome.reason]);
    expectThat(plain.decision === 'ALLOW', `expected the bare server to run ${call.tool}, got ${plain.decision}`);
    expectDecision(call, outcome.decision);
    await expectRecord(home, call, outcome);
    without.push(plain.decision);
    decisions.push(outcome.decision);
  }
  const [harm, done] = [await readEffects(bareLedger), await readEffects(ledger)];
  page.line();
  const through = count(without, 'ALLOW') === COMPANY_CALLS.length ? 'No limit hit. Everything went through.' : '';
  page.paragraph(`Without: ${sayHarm(harm)} ${through}`, 'red');
  const counted = `${done.reads ?? 0} reads allowed. ${count(decisions, 'DENY')} blocked. ${count(decisions, 'AWAIT')} held for approval.`;
  page.paragraph(`With:    ${sayHarm(done, ' without approval')} ${counted}`, 'green');
  expectThat(
    Object.keys(done).join() === 'reads',
    `expected the server behind Intercept to have done reads only, got ${JSON.stringify(done)}`,
  );
}

function isDecision(text: string): text is Decision {
  return text === 'ALLOW' || text === 'DENY' || text === 'AWAIT';
}

function printRow(page: Page, [tool, brief, without, decision, why]: readonly [string, string, string, string, string]): void {
  const heading = isDecision(decision) ? undefined : 'dim';
  page.row([
    { text: tool, width: TOOL_WIDTH, style: heading },
    { text: brief, width: BRIEF_WIDTH, style: 'dim' },
    { text: without, width: DECISION_WIDTH, style: 'dim' },
    { text: decision, width: DECISION_WIDTH, style: isDecision(decision) ? styleOf(decision) : heading },
    { text: why, style: decision === 'ALLOW' ? 'dim' : heading },
  ]);
}

/** A published server, and what a path really names. */
async function showFiles(stage: Stage): Promise<void> {
  const { page, folder } = stage;
  const [project, home, policy] = [join(folder, 'project'), join(folder, 'files'), join(folder, 'files.yaml')];
  await mkdir(join(project, 'drafts'), { recursive: true });
  await writeFile(policy, (await readFile(join(ROOT, 'examples/files.yaml'), 'utf8')).replaceAll(PLACEHOLDER, project));
  page.heading('A real server: writes stay in one folder.');
  page.paragraph(
    `@modelcontextprotocol/server-filesystem with examples/files.yaml. "within" compares what a path names, not how it is spelt.`,
    'dim',
  );
  page.line();
  const agent = await enter(stage, behind(policy, [...FILE_SERVER, project]), { INTERCEPT_HOME: home });
  for (const call of fileCalls(project)) {
    const outcome = await agent.call(call);
    const { decision } = outcome;
    const exists = existsSync(targetOf(call));
    const reason = outcome.reason.replaceAll(`${project}/`, '');
    page.row([
      { text: call.tool, width: 11 },
      { text: call.brief, width: 24, style: 'dim' },
      { text: decision, width: DECISION_WIDTH, style: styleOf(decision) },
      { text: `${reason}; the file ${exists ? 'exists' : 'does not exist'}` },
    ]);
    expectDecision(call, decision);
    await expectRecord(home, call, outcome);
    expectThat(exists === (decision === 'ALLOW'), `expected ${call.brief} ${decision === 'ALLOW' ? 'to exist' : 'not to exist'}`);
  }
}

/** Where the evidence is, and what to do next. */
async function showRest({ page, folder }: Stage, keep: boolean): Promise<void> {
  const homes = [join(folder, 'company'), join(folder, 'files')];
  const records = (await Promise.all(homes.map(readDecisions))).flat();
  page.heading('Every decision was recorded.');
  page.paragraph(
    `${records.length} decisions, each written before its call was forwarded, every record chained to the one before by its hash.`,
  );
  page.paragraph(`Yours will be in ~/.intercept/events. ${keep ? 'These are in:' : 'These go with the demo; --keep leaves them.'}`);
  if (keep) for (const home of homes) page.paragraph(join(home, 'events'));
  page.heading('Next');
  page.paragraph('1. Read examples/policy.yaml. It is the whole file, commented; copy it and make it yours.');
  page.paragraph('2. Build the command, and put it where your shell finds it:');
  page.line('     npm run build && sudo install dist/intercept /usr/local/bin/');
  page.paragraph('3. Try it, then start your server the same way in the configuration of your MCP client:');
  page.line('     intercept explain -c examples/policy.yaml --call drop_table');
  page.line('     intercept -c policy.yaml -- npx -y <your server>');
  page.line();
}

async function main(): Promise<void> {
  const keep = process.argv.includes('--keep');
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'intercept-demo-')));
  const stage: Stage = { page: openPage(), folder, agents: [] };
  try {
    await showCompany(stage);
    await showFiles(stage);
    await showRest(stage, keep);
  } finally {
    await Promise.allSettled(stage.agents.map(async (agent) => (await agent).close()));
    if (!keep) await rm(folder, { recursive: true, force: true });
  }
}

await main().catch((error: unknown) => {
  process.stderr.write(`\ndemo failed: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
