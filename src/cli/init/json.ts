/** `init --json` (docs/json.md). */
import { diffOf, nextSteps, reportServers } from '../../setup/init/report.ts';
import type { InitReport } from '../../setup/init/run.ts';
import type { StepOf } from './ports.ts';

/** The report, for programs. */
export function initJson(report: InitReport, stepOf: StepOf): object {
  const { outcome, survey, plan, carried } = report;
  const diffs = new Map(plan.files.map((file) => [file.file, diffOf(file).join('\n') || null]));
  return {
    outcome,
    servers: reportServers(report).map(({ tools, policy, why, ...server }) => ({
      ...server,
      tools: tools ?? null,
      policy: policy ?? null,
      why: why ?? null,
    })),
    files: survey.map.files.map((file) => {
      const written = carried?.files.find((each) => each.file === file);
      return {
        path: file.path,
        clients: [...new Set(file.readers.map(({ name }) => name))],
        changed: (written?.written.length ?? 0) > 0,
        why: file.unreadable ?? file.untouchable ?? written?.refused ?? null,
        diff: diffs.get(file) ?? null,
      };
    }),
    next: nextSteps(report, stepOf),
    beside: survey.map.beside.map(({ path, says }) => ({ path, says })),
  };
}
