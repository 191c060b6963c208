// Waiting: for what a caller hands over, and between two attempts. It ends when the caller aborts.

import { APIConnectionTimeoutError, APIUserAbortError } from "./errors.js";

const LONGEST_TIMER = 2 ** 31 - 1; // milliseconds; a longer one would end at once

/** @typedef {AbortSignal | null | undefined} Signal */
/** @typedef {<T>(work: PromiseLike<T> | T, what: string) => Promise<T>} Waits Waits for a work, and says what it was. */

/**
 * A clock that rings after some milliseconds, undefined for one that never does.
 *
 * @param {number | null} timeout
 * @param {() => void} rings
 * @returns {any}
 */
export function clock(timeout, rings) {
  if (timeout === null || timeout === Infinity) return undefined;
  return setTimeout(rings, Math.min(timeout, LONGEST_TIMER));
}

/** @param {Signal} signal */
export function abortError(signal) {
  return new APIUserAbortError("the call was aborted", { cause: signal?.reason });
}

/**
 * Waits for a work, as long as the timeout says.
 *
 * @param {number | null} timeout
 * @param {Signal} signal
 * @returns {Waits}
 */
export function patience(timeout, signal) {
  return (work, what) =>
    limited(signal, (resolve, reject) => {
      const late = () => reject(new APIConnectionTimeoutError(`${what}: nothing came in ${timeout} ms; nothing was sent`));
      const timer = clock(timeout, late);
      Promise.resolve(work).then(resolve, reject);
      return timer;
    });
}

/**
 * @param {number} delay Milliseconds.
 * @param {Signal} signal
 * @returns {Promise<void>}
 */
export function paused(delay, signal) {
  return limited(signal, (resolve) => clock(delay, () => resolve(undefined)));
}

/**
 * @template T
 * @param {Signal} signal
 * @param {(resolve: (value: any) => void, reject: (error: unknown) => void) => any} begin Gives its timer.
 * @returns {Promise<T>}
 */
async function limited(signal, begin) {
  if (signal?.aborted) throw abortError(signal);
  let aborts = () => {};
  let timer;
  try {
    return await new Promise((resolve, reject) => {
      aborts = () => reject(abortError(signal));
      signal?.addEventListener("abort", aborts, { once: true });
      timer = begin(resolve, reject);
    });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", aborts);
  }
}
