/**
 * Loaded into the proxy before anything else (`node --import`): counts the calls of each function. At SIGUSR2 it writes
 * what was counted since the last one to the file that WAY_REPORT names, as a list of `{file, functions, calls}`.
 */
import { renameSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector';

const SOURCES = new URL('../../src/', import.meta.url).href;
const report = String(process.env['WAY_REPORT']);
const session = new Session();
session.connect();
session.post('Profiler.enable');
session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });
process.on('SIGUSR2', () => {
  session.post('Profiler.takePreciseCoverage', (error, coverage) => {
    if (error) throw error;
    const files = coverage.result.flatMap(({ url, functions }) => {
      if (!url.startsWith(SOURCES)) return [];
      const counts = functions.filter(({ functionName }) => functionName !== '').map(({ ranges }) => ranges[0]?.count ?? 0);
      const anonymous = functions.filter(({ functionName }) => functionName === '').map(({ ranges }) => ranges[0]?.count ?? 0);
      return [{ file: url.slice(SOURCES.length), counts: [...counts, ...anonymous] }];
    });
    writeFileSync(`${report}.new`, JSON.stringify(files));
    renameSync(`${report}.new`, report);
  });
});
