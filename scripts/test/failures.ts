/** Which tests failed, from a JUnit report: told again at the end, where whoever reads the output looks first. */

export interface Failure {
  readonly file: string;
  readonly name: string;
  readonly message: string;
}

/** Reads the failed test cases of a report, in its order. */
export function parseFailures(report: string): readonly Failure[] {
  return [...report.matchAll(/<testcase ([^>]*[^/])>\s*<failure([^>]*)>([^<]*)/g)].map(([, test = '', failure = '', trace = '']) => ({
    file: attribute(test, 'file'),
    name: [attribute(test, 'classname'), attribute(test, 'name')].filter((part) => part !== '').join(' > '),
    message: (attribute(failure, 'message') || unescapeXml(trace)).trim(),
  }));
}

/** A failure as lines for people. */
export function renderFailure({ file, name, message }: Failure, underTest: string): string {
  const indented = message
    .split('\n')
    .slice(0, 20)
    .map((line) => `    ${line}`);
  return [`  ${file} (${underTest}): ${name}`, ...indented].join('\n');
}

function attribute(tag: string, name: string): string {
  return unescapeXml(new RegExp(`(?:^|\\s)${name}="([^"]*)"`).exec(tag)?.[1] ?? '');
}

function unescapeXml(text: string): string {
  return text
    .replaceAll('&#10;', '\n')
    .replaceAll('&quot;', '"')
    .replaceAll('&apos;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
}
