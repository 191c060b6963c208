// Base64, by whatever the engine does it fastest with.

/** @typedef {{ fromBase64?: (text: string) => Uint8Array<ArrayBuffer> }} Built */

const NodeBuffer = /** @type {any} */ (globalThis).Buffer;
const builtIn = /** @type {Built} */ (/** @type {unknown} */ (Uint8Array)).fromBase64;

/**
 * Bytes of base64, with or without a `data:` prefix, white space, padding, and the letters that URLs want; undefined for
 * what is none.
 *
 * @param {string} text
 * @returns {Uint8Array<ArrayBuffer> | undefined}
 */
export function fromBase64(text) {
  if (text.startsWith("data:")) {
    const comma = text.indexOf(",");
    const plain = text.slice(comma + 1);
    return text.slice(0, comma).endsWith(";base64") ? decoded(plain) : fromPercents(plain);
  }
  return decoded(text);
}

/** @param {string} text */
function decoded(text) {
  return exactly(text) ?? exactly(text.replace(/\s+/g, ""));
}

/**
 * @param {string} text
 * @returns {Uint8Array<ArrayBuffer> | undefined}
 */
function exactly(text) {
  let letters = text.length;
  while (letters && text.charCodeAt(letters - 1) === 61) letters--; // padding
  if (letters % 4 === 1) return undefined;
  const size = Math.floor((letters * 3) / 4);
  if (NodeBuffer) {
    const found = NodeBuffer.from(text, "base64"); // passes over what is no letter, so that less comes out
    if (found.length !== size) return undefined;
    // A small one shares its memory with others.
    return size < 8192 ? new Uint8Array(found) : new Uint8Array(found.buffer, found.byteOffset, size);
  }
  const plain = text.slice(0, letters).replaceAll("-", "+").replaceAll("_", "/");
  try {
    if (builtIn) return builtIn.call(Uint8Array, plain);
    const bytes = new Uint8Array(size);
    const letters = atob(plain);
    for (let at = 0; at < size; at++) bytes[at] = letters.charCodeAt(at);
    return bytes;
  } catch {
    return undefined;
  }
}

/** @param {string} text */
function fromPercents(text) {
  const bytes = new TextEncoder().encode(text);
  const out = new Uint8Array(bytes.length);
  let size = 0;
  for (let at = 0; at < bytes.length; at++) {
    const code = bytes[at] === 37 ? String.fromCharCode(bytes[at + 1] ?? 0, bytes[at + 2] ?? 0) : "";
    const escaped = /^[0-9a-f]{2}$/i.test(code);
    out[size++] = escaped ? Number.parseInt(code, 16) : (bytes[at] ?? 0);
    if (escaped) at += 2;
  }
  return out.slice(0, size);
}

/**
 * @param {Uint8Array} bytes
 * @returns {string}
 */
export function toBase64(bytes) {
  if (NodeBuffer) return NodeBuffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
  let letters = "";
  for (let at = 0; at < bytes.length; at += 8192) letters += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(letters);
}
