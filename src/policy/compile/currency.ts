/** Minor units of ISO 4217: how many decimal places the smallest unit of a currency has. */
const DIGITS: ReadonlyMap<string, number> = new Map([
  ...names('bif clp djf gnf isk jpy kmf krw pyg rwf ugx uyi vnd vuv xaf xof xpf', 0),
  ...names('bhd iqd jod kwd lyd omr tnd', 3),
  ...names('clf uyw', 4),
]);

/** 2 for cents; 0 for currencies without a minor unit. */
export function minorDigits(currency: string): number {
  return DIGITS.get(currency.toLowerCase()) ?? 2;
}

function names(list: string, digits: number): readonly (readonly [string, number])[] {
  return list.split(' ').map((name) => [name, digits] as const);
}
