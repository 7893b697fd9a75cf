/** Headers as they stood on the wire: repeated ones are still two. */

/** Every value of the header `name` (in lower case), in order. `raw` is what Node calls `rawHeaders`. */
export function valuesOf(raw: readonly string[], name: string): readonly string[] {
  const values: string[] = [];
  for (let index = 0; index + 1 < raw.length; index += 2)
    if (raw[index]?.length === name.length && raw[index]?.toLowerCase() === name) values.push(withoutSpace(raw[index + 1] as string));
  return values;
}

/** SECURITY: without the white space that HTTP allows around a value, and no other: to who reads it next, U+00A0 belongs to it. */
function withoutSpace(value: string): string {
  let [start, end] = [0, value.length];
  while (isSpace(value.charCodeAt(start))) start++;
  while (end > start && isSpace(value.charCodeAt(end - 1))) end--;
  return value.slice(start, end);
}

function isSpace(code: number): boolean {
  return code === 32 || code === 9;
}
