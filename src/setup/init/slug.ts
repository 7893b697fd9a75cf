/** Names of policies and their files, made of the names of servers (setup.md §3.3). */

const LONGEST = 64;
/** Windows opens a device by these, whatever the ending. */
const DEVICE = /^(?:con|prn|aux|nul|com\d|lpt\d)$/;
const MARKS = /\p{M}+/gu;

/** Makes a file name of any text: `[a-z0-9-]`, 64 at most, and no device. */
export function slugOf(name: string): string {
  const plain = name.normalize('NFKD').replace(MARKS, '').toLowerCase();
  const slug = trimmed(plain.replace(/[^a-z0-9]+/g, '-').slice(0, LONGEST + 1)).slice(0, LONGEST);
  if (slug === '') return 'server';
  return DEVICE.test(slug) ? `${slug}-server` : trimmed(slug);
}

/** The slug, or the first of `slug-2`, `slug-3` … that is free. */
export function freeSlug(slug: string, isFree: (slug: string) => boolean): string {
  for (let count = 1; ; count++) {
    const suffix = count === 1 ? '' : `-${count}`;
    const tried = `${trimmed(slug.slice(0, LONGEST - suffix.length))}${suffix}`;
    if (isFree(tried)) return tried;
  }
}

function trimmed(text: string): string {
  return text.replace(/^-+|-+$/g, '');
}
