// What a client is told, as it is used: where it calls, with which key and headers.

const LOOPBACK = /^(localhost|127\.0\.0\.1|\[::1\])([:/]|$)/i;
const SECRET_LENGTH = 6; // what is shorter, such as "EMPTY", is no secret, and may be part of any word

/**
 * @param {string} name
 * @param {unknown} value
 */
export function checkedHeader(name, value) {
  if (typeof value !== "string" || !/^[\x20-\x7e]*$/.test(value)) {
    throw new TypeError(`header ${JSON.stringify(name)} must be printable ASCII`);
  }
  return value;
}

/** @param {unknown} timeout */
export function checkTimeout(timeout) {
  if (timeout !== null && !(typeof timeout === "number" && timeout > 0)) {
    throw new TypeError("timeout must be milliseconds above 0, or null for none");
  }
}

/** @param {unknown} retries */
export function checkRetries(retries) {
  if (!(typeof retries === "number" && retries >= 0)) throw new TypeError("maxRetries must be a number from 0");
}

/**
 * Headers of a client, checked.
 *
 * @param {import("../types/runtime.js").HeadersGiven} told
 * @returns {Record<string, string | null>}
 */
export function normalHeaders(told) {
  const pairs = told instanceof Headers ? [...told] : Object.entries(told);
  const known = pairs.filter(([, value]) => value !== undefined);
  return Object.fromEntries(
    known.map(([name, value]) => [name.toLowerCase(), value === null ? null : checkedHeader(name, value)]),
  );
}

/**
 * The base URL that a caller means by a host, a base with or without a slash, or the whole URL of one call; and the
 * query that stood behind it.
 *
 * A host alone gets the path of the default; a name without a scheme gets https, or http on this machine. In a browser,
 * a path is one of the page's own server.
 *
 * @param {string} given
 * @param {import("./request.js").Service} service
 * @returns {{ baseURL: string, query: Record<string, string> }}
 */
export function normalBaseURL(given, service) {
  let url = given.trim();
  const page = /** @type {any} */ (globalThis).location?.origin;
  if (url.startsWith("/") && page) url = `${page}${url}`;
  else if (!url.includes("://")) url = `${LOOPBACK.test(url) ? "http" : "https"}://${url}`;
  /** @type {URL} */
  let parts;
  try {
    parts = new URL(url);
  } catch {
    throw new TypeError("baseURL must be a URL such as https://host/v1");
  }
  if (!["http:", "https:"].includes(parts.protocol)) throw new TypeError("baseURL must be a URL such as https://host/v1");
  if (parts.username || parts.password) {
    throw new TypeError("baseURL must not hold a user name or password; give the key as apiKey");
  }
  let path = parts.pathname.replace(/\/+/g, "/").replace(/\/$/, "");
  if (!path && service.baseURL) path = new URL(service.baseURL).pathname.replace(/\/$/, "");
  for (const known of service.paths) if (path.endsWith(known)) path = path.slice(0, -known.length);
  return { baseURL: `${parts.protocol}//${parts.host}${path}`, query: Object.fromEntries(parts.searchParams) };
}

/**
 * A variable of the environment, "" where there is none.
 *
 * @param {string} name
 * @returns {string}
 */
export function environment(name) {
  try {
    return /** @type {any} */ (globalThis).process?.env?.[name] ?? "";
  } catch {
    return ""; // Deno asks its user, who may refuse
  }
}

/**
 * The key without the white space that copying brings along. TypeError, which does not tell it, for a bad one.
 *
 * @param {string | null | undefined} key
 * @param {string} variable Where it stands in the environment, if it is not given.
 */
export function normalKey(key, variable) {
  const found = (key ?? environment(variable)).trim();
  if (!/^[\x21-\x7e]*$/.test(found)) throw new TypeError("apiKey must be printable ASCII without spaces");
  return found;
}

/**
 * Finds a key as it is, and as JSON and URLs may write it: serializers escape `+` and `/`, and quote at will.
 *
 * @param {string} key
 * @returns {RegExp | undefined}
 */
export function spellings(key) {
  if (key.length < SECRET_LENGTH) return undefined;
  const letters = [...key].map((letter) => {
    const plain = letter.replace(/[\\^$.*+?()[\]{}|/-]/, "\\$&");
    const code = letter.charCodeAt(0).toString(16).padStart(2, "0");
    return `(?:${plain}|\\\\u00${code}|\\\\${plain}|%${code})`;
  });
  return new RegExp(letters.join(""), "gi");
}
