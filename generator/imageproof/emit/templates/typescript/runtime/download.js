// Files behind URLs that a server named, which is not trusted: a download gets no key and no cookie, leads to no private
// address unless the API is at one, follows no redirect to another scheme, and stops at a limit.

import { addresses, isPublic, isPublicHost, nodeModules } from "./addresses.js";
import { piecesOf, readerOf, unpacked } from "./engines.js";
import {
  APIConnectionError,
  APIConnectionTimeoutError,
  APIError,
  APIResponseValidationError,
  shownCause,
  statusError,
} from "./errors.js";
import { checkDownload } from "./options.js";
import { abortError, clock } from "./patience.js";
import { joinedBytes, sniff } from "./pictures.js";

/** @typedef {{ status: number, headers: Headers, pieces: AsyncIterable<Uint8Array>, end: () => void }} Answer */

const MAX_BYTES = 256 * 1024 * 1024;
const MAX_ERROR_BYTES = 64 * 1024;
const MAX_REDIRECTS = 5;

/**
 * @param {string} link
 * @param {import("./content.js").Origin} origin
 * @param {import("../types/runtime.js").DownloadOptions} options
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
export async function download(link, origin, options) {
  const { timeout, maxBytes, signal } = checkDownload(options);
  if (signal?.aborted) throw abortError(signal);
  const limit = timeout === undefined ? 60_000 : timeout;
  const stop = new AbortController();
  let late = false;
  const aborts = () => stop.abort();
  const timer = clock(limit, () => {
    late = true;
    stop.abort();
  });
  signal?.addEventListener("abort", aborts, { once: true });
  try {
    return await followed(link, origin, maxBytes ?? MAX_BYTES, stop.signal);
  } catch (error) {
    if (signal?.aborted) throw abortError(signal);
    const cause = shownCause(error, origin.clean);
    if (late) throw new APIConnectionTimeoutError(`the file did not come within ${limit} ms from ${hostOf(link)}`, { cause });
    if (error instanceof APIError) throw error;
    const said = origin.clean(error instanceof Error ? error.message : String(error));
    throw new APIConnectionError(`the file could not be downloaded from ${hostOf(link)}: ${said}`, { cause });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", aborts);
  }
}

/** @param {string} link */
function hostOf(link) {
  return URL.canParse(link) ? new URL(link).host : "its URL";
}

/**
 * @param {string} link
 * @param {import("./content.js").Origin} origin
 * @param {number} maxBytes
 * @param {AbortSignal} signal
 */
async function followed(link, origin, maxBytes, signal) {
  let url = checked(link, undefined);
  const { protocol } = url;
  const node = await nodeModules();
  const isPrivate = Boolean(origin.baseURL) && !(await isPublicHost(new URL(origin.baseURL).hostname, node));
  const isDirect = !origin.fetch && !Object.keys(origin.network).length;
  for (let turn = 0; turn <= MAX_REDIRECTS; turn++) {
    const found = await addresses(url.hostname, node);
    if (!isPrivate && !found.every(isPublic)) {
      throw new APIResponseValidationError(`not fetched: ${url.hostname} is at a private address`);
    }
    const answer = node && found.length && isDirect
      ? await asked(url, isPrivate ? [] : found, node, signal)
      : await fetched(url, origin, signal, Boolean(node));
    try {
      const location = answer.headers.get("location");
      if (!location || answer.status < 300 || answer.status > 399) return await bodyOf(answer, maxBytes, url, origin);
      url = checked(location, url);
      if (url.protocol !== protocol) {
        const schemes = `from ${protocol.slice(0, -1)} to ${url.protocol.slice(0, -1)}`;
        throw new APIResponseValidationError(`not fetched: a redirect ${schemes}`);
      }
    } finally {
      answer.end();
    }
  }
  throw new APIConnectionError(`the file could not be downloaded: more than ${MAX_REDIRECTS} redirects`);
}

/**
 * @param {Answer} answer
 * @param {number} maxBytes
 * @param {URL} url
 * @param {import("./content.js").Origin} origin
 */
async function bodyOf(answer, maxBytes, url, origin) {
  const good = answer.status >= 200 && answer.status < 300;
  const limit = good ? maxBytes : MAX_ERROR_BYTES;
  /** @type {Uint8Array[]} */
  const pieces = [];
  let size = 0;
  for await (const piece of answer.pieces) {
    pieces.push(piece);
    size += piece.length;
    if (size > limit) break;
  }
  const content = joinedBytes(pieces);
  const raw = () => origin.clean(new TextDecoder().decode(content.subarray(0, MAX_ERROR_BYTES)));
  if (!good) {
    const where = `the call was answered, but the download of its file from ${url.host} failed`;
    throw statusError(answer.status, { raw: raw(), headers: answer.headers, where });
  }
  if (size > limit) throw new APIResponseValidationError(`the file is larger than ${maxBytes} bytes`);
  const kind = (answer.headers.get("content-type") ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
  if (content.length && isPage(content, kind)) {
    const message = `behind the link to ${url.host} is no picture, but ${kind || "text"}`;
    throw new APIResponseValidationError(message, { raw: raw(), where: "the download" });
  }
  return content;
}

const PAGES = /^text\/|[/+](html|json|xml|javascript)\b/;

/**
 * Whether content is what servers send in place of a file: a page of HTML, JSON or a text.
 *
 * @param {Uint8Array} content
 * @param {string} kind Its media type, "" for none.
 */
function isPage(content, kind) {
  if (sniff(content).format) return false;
  const start = content.subarray(0, 512);
  const plain = start.every((one) => one >= 32 || (one >= 9 && one <= 13)); // a picture of any format has other bytes
  return PAGES.test(kind) || (plain && (!kind.startsWith("image/") || /^\s*[<{[]/.test(new TextDecoder().decode(start))));
}

/**
 * @param {string} link
 * @param {URL | undefined} base
 */
function checked(link, base) {
  /** @type {URL | undefined} */
  let url;
  try {
    url = new URL(link, base);
  } catch {
    url = undefined;
  }
  if (!url || !["http:", "https:"].includes(url.protocol) || !url.hostname) {
    throw new APIResponseValidationError(`not a URL that can be downloaded: ${link.slice(0, 200)}`);
  }
  return url;
}

/**
 * @param {URL} url
 * @param {import("./content.js").Origin} origin
 * @param {AbortSignal} signal
 * @param {boolean} byHand Whether redirects can be followed one by one; browsers do not tell where they lead.
 * @returns {Promise<Answer>}
 */
async function fetched(url, origin, signal, byHand) {
  const redirect = byHand ? "manual" : "follow";
  const own = { signal, redirect, credentials: "omit", referrerPolicy: "no-referrer", headers: { Accept: "*/*" } };
  const response = await (origin.fetch ?? fetch)(url.href, /** @type {RequestInit} */ ({ ...origin.network, ...own }));
  const reader = readerOf(response);
  const end = () => void reader.cancel().catch(() => undefined);
  return { status: response.status, headers: response.headers, pieces: piecesOf(reader), end };
}

/**
 * By Node's own HTTP, which lets us say the address: a second look-up could give another one.
 *
 * @param {URL} url
 * @param {readonly string[]} pinned
 * @param {import("./addresses.js").Node} node
 * @param {AbortSignal} signal
 * @returns {Promise<Answer>}
 */
function asked(url, pinned, node, signal) {
  /** @type {(host: string, options: any, done: (...told: any[]) => void) => void} */
  const lookup = (host, options, done) => {
    const all = pinned.map((address) => ({ address, family: node.net.isIP(address) }));
    if (options.all) done(null, all);
    else done(null, all[0]?.address, all[0]?.family);
  };
  const own = pinned.length ? { lookup } : {};
  return new Promise((resolve, reject) => {
    const { request } = url.protocol === "https:" ? node.https : node.http;
    const sent = request(url, { headers: { Accept: "*/*" }, signal, agent: false, ...own });
    sent.on("error", reject);
    sent.on("response", (/** @type {any} */ message) => {
      const headers = new Headers();
      for (let at = 0; at < message.rawHeaders.length; at += 2) {
        headers.append(message.rawHeaders[at], message.rawHeaders[at + 1]);
      }
      resolve({ status: message.statusCode, headers, pieces: unpacked(message, headers, node), end: () => message.destroy() });
    });
    sent.end();
  });
}
