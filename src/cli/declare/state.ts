/** The flags by which every command finds the state. Another kind of store is one more row here. */
import { type OwnPlaces, ownPlaces } from '../../run/own-folders.ts';
import { set, text, type Values } from './flags.ts';

export const STATE = { stateDir: text('folder', 'DIR') };
export const STATE_PREFIX = { statePrefix: text('text', 'TEXT') };
export const JSON_OUT = { json: set('for programs') };

/** Home and state, once it is known that they are this user's alone. */
export function placesOf({ stateDir }: Values<typeof STATE>, env: Readonly<Record<string, string | undefined>>): OwnPlaces {
  return ownPlaces(stateDir, env);
}
