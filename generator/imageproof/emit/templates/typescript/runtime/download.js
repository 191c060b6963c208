// Files behind URLs that a server named, which is not trusted: a download gets no key and no cookie, leads to no private
// address unless the API is at one, follows no redirect to another scheme, and stops at a limit.

import { APIConnectionError, APIConnectionTimeoutError, APIResponseValidationError, statusError } from "./errors.js";
import { piecesOf } from "./files.js";
import { joinedBytes } from "./pictures.js";

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
export async function download(link, origin, { timeout = 60_000, maxBytes = MAX_BYTES, signal } = {}) {
  const limits = [AbortSignal.timeout(timeout), ...(signal ? [signal] : [])];
  const stop = new AbortController();
  for (const one of limits) {
    if (one.aborted) stop.abort();
    one.addEventListener("abort", () => stop.abort(), { once: true });
  }
  try {
    return await followed(link, origin, maxBytes, stop.signal);
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    if (limits[0]?.aborted) throw new APIConnectionTimeoutError(`the file did not come within ${timeout} ms`);
    if (error instanceof APIConnectionError || error instanceof APIResponseValidationError) throw error;
    if (error instanceof Error && error.name.endsWith("Error") && "status" in error) throw error;
    const said = origin.clean(error instanceof Error ? error.message : String(error));
    throw new APIConnectionError(`the file could not be downloaded: ${said}`);
  }
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
  for (let turn = 0; turn <= MAX_REDIRECTS; turn++) {
    const found = await addresses(url.hostname, node);
    if (!isPrivate && !found.every(isPublic)) {
      throw new APIResponseValidationError(`not fetched: ${url.hostname} is at a private address`);
    }
    const answer = node && found.length && !origin.fetch
      ? await asked(url, isPrivate ? [] : found, node, signal)
      : await fetched(url, origin.fetch ?? fetch, signal, Boolean(node));
    try {
      const location = answer.headers.get("location");
      if (!location || answer.status < 300 || answer.status > 399) return await bodyOf(answer, maxBytes);
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
 */
async function bodyOf(answer, maxBytes) {
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
  if (!good) {
    const raw = new TextDecoder().decode(content.subarray(0, limit));
    throw statusError(answer.status, { raw, headers: answer.headers });
  }
  if (size > limit) throw new APIResponseValidationError(`the file is larger than ${maxBytes} bytes`);
  return content;
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
 * @param {typeof fetch} using
 * @param {AbortSignal} signal
 * @param {boolean} byHand Whether redirects can be followed one by one; browsers do not tell where they lead.
 * @returns {Promise<Answer>}
 */
async function fetched(url, using, signal, byHand) {
  const redirect = byHand ? "manual" : "follow";
  const told = { signal, redirect, credentials: "omit", referrerPolicy: "no-referrer", headers: { Accept: "*/*" } };
  const response = await using(url.href, /** @type {RequestInit} */ (told));
  const pieces = response.body ? piecesOf(response.body) : (async function* () {})();
  const end = () => void response.body?.cancel().catch(() => undefined);
  return { status: response.status, headers: response.headers, pieces, end };
}

/**
 * By Node's own HTTP, which lets us say the address: a second look-up could give another one.
 *
 * @param {URL} url
 * @param {readonly string[]} pinned
 * @param {Node} node
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
      resolve({ status: message.statusCode, headers, pieces: message, end: () => message.destroy() });
    });
    sent.end();
  });
}

/** @typedef {{ http: any, https: any, dns: any, net: any }} Node */

/** @returns {Promise<Node | undefined>} */
async function nodeModules() {
  if (!(/** @type {any} */ (globalThis).process?.versions?.node)) return undefined;
  /** @type {(name: string) => Promise<any>} */
  const load = (name) => import(/* @vite-ignore */ /* webpackIgnore: true */ name);
  const [http, https, dns, net] = await Promise.all(["http", "https", "dns/promises", "net"].map((one) => load(`node:${one}`)));
  return { http, https, dns, net };
}

/**
 * All addresses of a host, none where this machine knows none: then it is up to a proxy, or to the browser.
 *
 * @param {string} host
 * @param {Node | undefined} node
 * @returns {Promise<string[]>}
 */
async function addresses(host, node) {
  const bare = host.replace(/^\[|\]$/g, "");
  if (/^[\d.]+$/.test(bare) || bare.includes(":")) return [bare];
  if (!node) return /(^|\.)localhost\.?$/.test(bare) ? ["127.0.0.1"] : [];
  try {
    /** @type {{ address: string }[]} */
    const found = await node.dns.lookup(bare, { all: true });
    return found.map((one) => one.address);
  } catch {
    return [];
  }
}

/**
 * @param {string} host
 * @param {Node | undefined} node
 */
async function isPublicHost(host, node) {
  return (await addresses(host, node)).every(isPublic);
}

// IPv4 networks that are not of the open Internet: address and length of the prefix.
const PRIVATE = /** @type {const} */ ([
  ["0.0.0.0", 8], ["10.0.0.0", 8], ["100.64.0.0", 10], ["127.0.0.0", 8], ["169.254.0.0", 16], ["172.16.0.0", 12],
  ["192.0.0.0", 24], ["192.0.2.0", 24], ["192.168.0.0", 16], ["198.18.0.0", 15], ["198.51.100.0", 24],
  ["203.0.113.0", 24], ["224.0.0.0", 3],
]);

/**
 * Whether an address is one of the open Internet. An IPv4 address inside an IPv6 one is unwrapped.
 *
 * @param {string} address
 * @returns {boolean}
 */
export function isPublic(address) {
  if (!address.includes(":")) {
    const number = numberOf(address);
    return !PRIVATE.some(([start, length]) => (number ^ numberOf(start)) >>> (32 - length) === 0);
  }
  const words = wordsOf(address);
  const [first = 0, second = 0, third = 0] = words;
  const tail = (/** @type {number} */ at) => dotted(words[at] ?? 0, words[at + 1] ?? 0);
  if (words.slice(0, 5).every((one) => one === 0) && words[5] === 0xffff) return isPublic(tail(6));
  if (first === 0x64 && second === 0xff9b && words.slice(2, 6).every((one) => one === 0)) return isPublic(tail(6));
  if (first === 0x2002) return isPublic(dotted(second, third));
  const documented = (first === 0x2001 && (second === 0xdb8 || second < 0x200)) || first === 0x3fff;
  return first >>> 13 === 1 && !documented;
}

/** @param {string} address */
function numberOf(address) {
  return address.split(".").reduce((number, part) => ((number << 8) | Number(part)) >>> 0, 0);
}

/**
 * @param {number} high
 * @param {number} low
 */
function dotted(high, low) {
  return [high >>> 8, high & 255, low >>> 8, low & 255].join(".");
}

/**
 * The eight words of an IPv6 address.
 *
 * @param {string} address
 * @returns {number[]}
 */
function wordsOf(address) {
  const plain = new URL(`http://[${address.replace(/%.*/, "")}]`).hostname.slice(1, -1);
  const [left = "", right] = plain.split("::");
  const read = (/** @type {string} */ text) => (text ? text.split(":").map((word) => Number.parseInt(word, 16)) : []);
  const [start, end] = [read(left), read(right ?? "")];
  return [...start, ...Array.from({ length: 8 - start.length - end.length }, () => 0), ...end];
}
