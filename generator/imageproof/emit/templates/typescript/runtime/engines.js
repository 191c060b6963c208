// What engines do otherwise than a client of paid calls wants it.

/**
 * A body that is sent once. Deno (2.9) sends a text a second time when a connection that was used before breaks under it,
 * also where the first one arrived and is billed; of a Blob it cannot.
 *
 * @param {string | Blob | undefined} body
 */
export function once(body) {
  return typeof body === "string" && "Deno" in globalThis ? new Blob([body]) : body;
}

/**
 * Node's fetch gives up after five minutes without a head, or between two pieces of a body, and pictures may take longer.
 * Its dispatcher, which may be the user's own with proxies, is asked not to: our clock is the one that counts.
 *
 * @param {import("./request.js").Settings} settings
 * @returns {object}
 */
export function patient(settings) {
  const own = /** @type {any} */ (settings.fetchOptions).dispatcher;
  const found = own ?? /** @type {any} */ (globalThis)[Symbol.for("undici.globalDispatcher.1")];
  if (settings.fetch || typeof found?.dispatch !== "function") return {};
  const dispatch = (/** @type {object} */ options, /** @type {unknown} */ handler) =>
    found.dispatch({ ...options, headersTimeout: 0, bodyTimeout: 0 }, handler);
  return { dispatcher: { dispatch } };
}

/**
 * The words of an error and of what caused it: fetch itself only says that it failed.
 *
 * @param {any} cause
 * @returns {string}
 */
export function saidBy(cause) {
  const inner = cause?.cause;
  const own = cause?.message || cause?.code || String(cause);
  return inner ? `${own}: ${inner.message || inner.code || String(inner)}` : own;
}
