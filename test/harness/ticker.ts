/** A ticker that beats by itself, as a running proxy's does. */
import { BEAT, createTicker, type Every } from '../../src/core/ticker.ts';

/** Beats for as long as the process lives, which it does not keep alive. */
export function beatingEvery(): Every {
  const ticker = createTicker();
  setInterval(ticker.beat, BEAT).unref();
  return ticker.every;
}
