/** Headers as they stood on the wire: repeated ones are still two. */

/** Every value of the header `name` (in lower case), in order. `raw` is what Node calls `rawHeaders`. */
export function valuesOf(raw: readonly string[], name: string): readonly string[] {
  const values: string[] = [];
  for (let index = 0; index + 1 < raw.length; index += 2)
    if (raw[index]?.length === name.length && raw[index]?.toLowerCase() === name) values.push((raw[index + 1] as string).trim());
  return values;
}
