// JSON whose files stay where they are: long texts of members that hold files are neither read nor copied until somebody
// asks for them. Under Node, whose buffers find bytes fast; elsewhere all is read the plain way.

const NodeBuffer = /** @type {any} */ (globalThis).Buffer;
const LONG = 16 * 1024; // bytes; a shorter text is read like any other
const [QUOTE, BACKSLASH, COLON] = [34, 92, 58];
const SPACE = [9, 10, 13, 32];

/** @typedef {{ text: () => string, letters: (most?: number) => string }} Span The base64 of a file, still inside its answer. */

/**
 * JSON with a mark in place of each long text, and the texts by their marks; undefined where there is none. SyntaxError
 * for what is no JSON.
 *
 * @param {Uint8Array} bytes
 * @param {readonly string[]} names Members that hold files.
 * @returns {{ value: unknown, spans: Map<string, Span> } | undefined}
 */
export function cut(bytes, names) {
  if (!NodeBuffer || bytes.length <= LONG) return undefined;
  const buffer = NodeBuffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const places = names.flatMap((name) => [...placesOf(buffer, JSON.stringify(name))]).sort(([a], [b]) => a - b);
  if (!places.length) return undefined;
  /** @type {Map<string, Span>} */
  const spans = new Map();
  let text = "";
  let at = 0;
  for (const [start, end] of places) {
    const mark = `\0${spans.size}`; // a text that no server has a reason to send
    const letters = (/** @type {number} */ most = end - start) => buffer.latin1Slice(start, Math.min(end, start + most));
    spans.set(mark, { text: () => buffer.utf8Slice(start, end), letters });
    text += buffer.utf8Slice(at, start) + JSON.stringify(mark).slice(1, -1);
    at = end;
  }
  const whole = text + buffer.utf8Slice(at);
  return { value: JSON.parse(whole.startsWith("\ufeff") ? whole.slice(1) : whole), spans };
}

/**
 * Where the long texts, without escapes, of a member begin and end. In JSON a quotation mark inside a text has a backslash
 * before it, so what looks like such a member is one.
 *
 * @param {any} buffer
 * @param {string} name In its quotation marks.
 * @returns {Generator<[number, number], void>}
 */
function* placesOf(buffer, name) {
  for (let found = buffer.indexOf(name); found >= 0; found = buffer.indexOf(name, found + 1)) {
    let start = skipped(buffer, found + name.length);
    if (buffer[start] !== COLON) continue;
    start = skipped(buffer, start + 1);
    if (buffer[start] !== QUOTE) continue;
    const end = buffer.indexOf(QUOTE, start + 1);
    if (end - start <= LONG) continue;
    if (!buffer.subarray(start + 1, end).includes(BACKSLASH)) yield [start + 1, end];
    found = end;
  }
}

/**
 * @param {Uint8Array} buffer
 * @param {number} at
 */
function skipped(buffer, at) {
  while (SPACE.includes(buffer[at] ?? 0)) at++;
  return at;
}
