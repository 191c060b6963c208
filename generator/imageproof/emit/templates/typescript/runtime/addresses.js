// Where a host is: whether at an address of the open Internet, as far as the engine tells.

/** @typedef {{ http: any, https: any, dns: any, net: any, stream: any, zlib: any }} Node */

/** @returns {Promise<Node | undefined>} */
export async function nodeModules() {
  if (!(/** @type {any} */ (globalThis).process?.versions?.node)) return undefined;
  /** @type {(name: string) => Promise<any>} */
  const load = (name) => import(/* @vite-ignore */ /* webpackIgnore: true */ name);
  const names = ["http", "https", "dns/promises", "net", "stream", "zlib"];
  const [http, https, dns, net, stream, zlib] = await Promise.all(names.map((one) => load(`node:${one}`)));
  return { http, https, dns, net, stream, zlib };
}

/**
 * All addresses of a host, none where this machine knows none: then it is up to a proxy, or to the browser.
 *
 * @param {string} host
 * @param {Node | undefined} node
 * @returns {Promise<string[]>}
 */
export async function addresses(host, node) {
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
export async function isPublicHost(host, node) {
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
