// Values as they travel: texts, and JSON.

/**
 * Whether a value is an object with members, and not something that has a class.
 *
 * @param {unknown} value
 * @returns {value is Record<string, unknown>}
 */
export function isPlain(value) {
  if (typeof value !== "object" || value === null) return false;
  const kind = Object.getPrototypeOf(value);
  return kind === null || Object.getPrototypeOf(kind) === null;
}

/**
 * A list as one text with commas; any other value is handed back as it is.
 *
 * @param {string} name
 * @param {unknown} value
 */
export function joined(name, value) {
  return Array.isArray(value) ? value.map((item) => textOf(name, item)).join(",") : value;
}

/**
 * A scalar as text on the wire; dates in ISO 8601. TypeError, which names the argument, for any other.
 *
 * @param {string} name
 * @param {unknown} value
 * @returns {string}
 */
export function textOf(name, value) {
  if (value instanceof Date) return value.toISOString();
  if (!["string", "number", "boolean", "bigint"].includes(typeof value)) {
    throw new TypeError(`${name}: ${value === null ? "null" : typeof value} cannot be sent as text`);
  }
  return String(value);
}

/**
 * JSON. TypeError, which names the argument, for what JSON has no word for, such as NaN or bytes: left to themselves
 * these would become null or numbered members, and be paid for.
 *
 * @param {string} name "" for a whole body, whose member is named.
 * @param {unknown} value
 * @returns {string}
 */
export function jsonOf(name, value) {
  if (!name && isPlain(value)) for (const [member, item] of Object.entries(value)) check(member, item, 0);
  else check(name || "body", value, 0);
  return JSON.stringify(value);
}

// What would become `{}`, or numbered members.
const NOT_JSON = [ArrayBuffer, Blob, Map, Promise, RegExp, Set, WeakMap, WeakSet];
const DEEPEST = 500; // values inside one another: what is deeper goes round in a circle, or breaks its reader

/**
 * @param {string} name
 * @param {unknown} value
 * @param {number} depth
 */
function check(name, value, depth) {
  if (value === null || ["string", "boolean", "undefined"].includes(typeof value) || Number.isFinite(value)) return;
  if (depth > DEEPEST) throw new TypeError(`${name}: too deep for JSON, or a circle`);
  if (Array.isArray(value)) {
    for (const item of value) {
      if (item === undefined) throw new TypeError(`${name}: undefined in a list cannot be sent as JSON`);
      check(name, item, depth + 1);
    }
  } else if (typeof value === "object" && !NOT_JSON.some((kind) => value instanceof kind) && !ArrayBuffer.isView(value)) {
    const told = /** @type {any} */ (value);
    if (typeof told.toJSON !== "function") for (const item of Object.values(told)) check(name, item, depth + 1);
  } else {
    const kind = typeof value === "object" ? value.constructor.name : typeof value;
    throw new TypeError(`${name}: ${kind === "number" ? String(value) : kind} cannot be sent as JSON`);
  }
}

/**
 * What a value is, in a message; a text is not shown, since it may be a key.
 *
 * @param {any} value
 */
export function shownKind(value) {
  if (value === null || ["undefined", "number"].includes(typeof value)) return String(value);
  if (Array.isArray(value)) return "a list";
  const name = typeof value === "object" ? (value.constructor?.name ?? "Object") : typeof value;
  return `${/^[aeio]/i.test(name) ? "an" : "a"} ${name === "Object" ? "object" : name}`;
}
