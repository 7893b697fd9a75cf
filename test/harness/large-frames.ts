/** JSON values of any size in the shapes that cost their readers most (wire.md §2.13). */

type Shape = (bytes: number) => string;

const fill = (piece: (index: number) => string, bytes: number, open: string, close: string): string => {
  const parts: string[] = [];
  for (let length = 0, index = 0; length < bytes; index++) {
    const part = piece(index);
    parts.push(part);
    length += part.length + 1;
  }
  return open + parts.join(',') + close;
};
const array = (piece: (index: number) => string, bytes: number) => fill(piece, bytes, '[', ']');
const object = (piece: (index: number) => string, bytes: number) => fill(piece, bytes, '{', '}');
const nest = (text: string, depth: number) => `${'{"a":['.repeat(depth / 2)}${text}${']}'.repeat(depth / 2)}`;

/** Each makes an object of about so many bytes. */
export const SHAPES: Readonly<Record<string, Shape>> = {
  'one string': (bytes) => `{"text":"${'x'.repeat(bytes)}"}`,
  'one string of two-byte characters': (bytes) => `{"text":"${'é'.repeat(bytes / 2)}"}`,
  'one string of three-byte characters': (bytes) => `{"text":"${'語'.repeat(bytes / 3)}"}`,
  'escapes of one character': (bytes) => `{"text":"${'\\n'.repeat(bytes / 2)}"}`,
  'escaped code units': (bytes) => `{"text":"${'\\u00e9'.repeat(bytes / 6)}"}`,
  'escaped pairs': (bytes) => `{"text":"${'\\ud83d\\ude00'.repeat(bytes / 12)}"}`,
  'white space': (bytes) => `{"a":${' '.repeat(bytes)}1}`,
  'one number': (bytes) => `{"a":1${'0'.repeat(bytes)}}`,
  'numbers of one digit': (bytes) => `{"a":${array(() => '1', bytes)}}`,
  'long numbers': (bytes) => `{"a":${array((index) => `-0.${index}12345678901e-7`, bytes)}}`,
  'small strings': (bytes) => `{"a":${array(() => '"a"', bytes)}}`,
  'empty arrays': (bytes) => `{"a":${array(() => '[]', bytes)}}`,
  'empty objects': (bytes) => `{"a":${array(() => '{}', bytes)}}`,
  'small objects': (bytes) => `{"a":${array((index) => `{"id":${index},"name":"n","ok":true}`, bytes)}}`,
  'deep arrays': (bytes) => `{"a":${array(() => `${'['.repeat(240)}${']'.repeat(240)}`, bytes)}}`,
  'a deep list': (bytes) =>
    nest(
      array(() => '1', bytes),
      240,
    ),
  'a deep object': (bytes) =>
    nest(
      object((index) => `"k${index}":1`, bytes),
      240,
    ),
  'many keys': (bytes) => object((index) => `"k${index}":1`, bytes),
  'many escaped keys': (bytes) => object((index) => `"\\u006b${index}":1`, bytes),
  'many keys of odd letters': (bytes) => object((index) => `"İKſ${index}":1`, bytes),
  'many long keys': (bytes) => object((index) => `"${`${index}`.padStart(1000, 'k')}":1`, bytes),
  'a key twice, at the end': (bytes) => `${object((index) => `"k${index}":1`, bytes).slice(0, -1)},"k0":1}`,
  paths: (bytes) => `{"a":${array((index) => `"/tmp/a%20b/../${index}"`, bytes)}}`,
  'one path': (bytes) => `{"path":"${'a%/'.repeat(bytes / 3)}"}`,
  'words that look like secrets': (bytes) => `{"a":${array(() => '"token=abc Bearer x"', bytes)}}`,
};
