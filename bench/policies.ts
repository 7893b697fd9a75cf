/** What the arguments alone decide: conditions and an argument schema. */
export const STATELESS = `version: "1"
name: bench-stateless
default: deny
tools:
  create_refund:
    rules:
      - name: small refunds
        conditions:
          - {path: args.amount, op: lte, value: 50000}
          - {path: args.currency, op: in, value: [usd, eur]}
        on_deny: too much
      - name: reason
        conditions:
          - {path: args.reason, op: regex, value: "^[a-z_]+$"}
`;

/** The same, and three durable counters: two rate limits and a total. */
export const COUNTERS = `${STATELESS.replace('bench-stateless', 'bench-counters')}      - name: loop
        rate_limit: 100000000/minute
      - name: per day
        rate_limit: 100000000/day
      - name: daily total
        conditions:
          - {path: state.create_refund.daily_total, op: lt, value: 9000000000}
        state: {counter: daily_total, window: day, increment_from: args.amount}
`;

/** `count` rules, each on a tool of its own; the one called stands in the middle. */
export function manyRules(count: number): string {
  const rule = (tool: string) => `  ${tool}:\n    rules:\n      - conditions: [{path: args.amount, op: lte, value: 50000}]\n`;
  const tools = Array.from({ length: count }, (_, i) => rule(i === count >> 1 ? 'create_refund' : `tool_${i}`));
  return `version: "1"\nname: bench-${count}\ndefault: deny\ntools:\n${tools.join('')}`;
}
