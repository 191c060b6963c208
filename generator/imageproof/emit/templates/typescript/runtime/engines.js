// What engines do otherwise than a client of paid calls wants it.

import { nodeModules } from "./addresses.js";
import { environment } from "./options.js";

export const isBun = Boolean(/** @type {any} */ (globalThis).process?.versions?.bun);

/**
 * What a request is sent with, unless the caller has a fetch of their own. Bun's fetch (1.4) drops what came in the same moment as the break of a connection, which of a
 * stream may be a picture; its HTTP of Node's kind does not. It knows none of the ways that a caller can say, though.
 *
 * @param {import("./request.js").Settings} settings
 * @param {boolean} streams
 * @returns {typeof fetch}
 */
export function sender(settings, streams) {
  if (!isBun || !streams || Object.keys(settings.fetchOptions).length) return fetch;
  const ways = ["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"];
  return ways.some(environment) ? fetch : /** @type {any} */ (byHand);
}

/**
 * @param {string} url
 * @param {{ method: string, headers: Record<string, string>, body: string | Blob | undefined, signal: AbortSignal }} init
 * @returns {Promise<Response>}
 */
async function byHand(url, { method, headers, body, signal }) {
  const node = /** @type {import("./addresses.js").Node} */ (await nodeModules());
  const content = body === undefined ? undefined : new Uint8Array(await new Response(body).arrayBuffer());
  const { request } = url.startsWith("https:") ? node.https : node.http;
  const message = await new Promise((resolve, reject) => {
    const told = { "Content-Length": String(content?.length ?? 0), ...headers };
    const sent = request(url, { method, headers: told, signal, agent: false });
    sent.on("error", reject);
    sent.on("response", resolve);
    sent.end(content);
  });
  const answered = new Headers();
  for (let at = 0; at < message.rawHeaders.length; at += 2) answered.append(message.rawHeaders[at], message.rawHeaders[at + 1]);
  const pieces = unpacked(message, answered, node)[Symbol.asyncIterator]();
  const stream = {
    async pull(/** @type {ReadableStreamDefaultController} */ controller) {
      const { done, value } = await pieces.next();
      if (done) controller.close();
      else controller.enqueue(new Uint8Array(value));
    },
    cancel: () => message.destroy(),
  };
  // No piece is fetched before it is wanted: an error would drop it.
  return new Response(new ReadableStream(stream, { highWaterMark: 0 }), { status: message.statusCode, headers: answered });
}

/**
 * What fetch does by itself: some servers compress, asked or not.
 *
 * @param {any} message
 * @param {Headers} headers
 * @param {import("./addresses.js").Node} node
 */
export function unpacked(message, headers, node) {
  const packing = headers.get("content-encoding")?.trim().toLowerCase() ?? "";
  const through = { gzip: "createGunzip", "x-gzip": "createGunzip", deflate: "createInflate", br: "createBrotliDecompress" };
  const made = /** @type {Record<string, string>} */ (through)[packing];
  return made ? node.stream.pipeline(message, node.zlib[made](), () => undefined) : message;
}

/**
 * @typedef {{ read: () => Promise<{ done?: boolean, value?: any }>, cancel: () => Promise<unknown> }} Reader What reads the
 *   body of an answer.
 */

/**
 * A reader of an answer, whichever fetch it came from: some have a body of Node's kind, some give it whole alone.
 *
 * @param {any} response
 * @returns {Reader}
 */
export function readerOf(response) {
  const { body } = response;
  if (typeof body?.getReader === "function") return body.getReader();
  const pieces = body?.[Symbol.asyncIterator]?.() ?? whole(response);
  return { read: () => pieces.next(), cancel: async () => pieces.return?.() };
}

/** @param {Response} response */
async function* whole(response) {
  yield new Uint8Array(await response.arrayBuffer());
}

/**
 * What a reader brings; it is cancelled when nobody wants more.
 *
 * @param {Reader} reader
 * @returns {AsyncGenerator<Uint8Array, void>}
 */
export async function* piecesOf(reader) {
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

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
