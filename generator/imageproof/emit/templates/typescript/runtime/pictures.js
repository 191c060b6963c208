// Pictures known by their first bytes, without decoding them; and masks, which say where a picture is edited.

/** @typedef {import("../types/runtime.js").Picture} Picture */
/** @typedef {readonly [left: number, top: number, right: number, bottom: number]} Box */

export const HEAD = 64 * 1024; // bytes from the start of a file in which its facts stand

// First bytes of a file -> format, suffix and media type.
/** @type {readonly (readonly [string, string, string, string])[]} */
const SIGNATURES = [
  ["\x89PNG\r\n\x1a\n", "png", "png", "image/png"],
  ["\xff\xd8\xff", "jpeg", "jpg", "image/jpeg"],
  ["GIF87a", "gif", "gif", "image/gif"],
  ["GIF89a", "gif", "gif", "image/gif"],
];

/**
 * Format, suffix and media type that the bytes of a picture tell; empty for anything else.
 *
 * @param {Uint8Array} content
 * @returns {{ format: Picture["format"], suffix: string, mediaType: string }}
 */
export function sniff(content) {
  for (const [signature, format, suffix, mediaType] of SIGNATURES) {
    if (startsWith(content, signature)) return { format: /** @type {Picture["format"]} */ (format), suffix, mediaType };
  }
  if (startsWith(content, "RIFF") && startsWith(content.subarray(8), "WEBP")) {
    return { format: "webp", suffix: "webp", mediaType: "image/webp" };
  }
  const text = latin1(content.subarray(0, 1024));
  if (text.includes("<svg") && /^(\xef\xbb\xbf)?[ \t\r\n]*</.test(text)) {
    return { format: "svg", suffix: "svg", mediaType: "image/svg+xml" };
  }
  return { format: "", suffix: "", mediaType: "" };
}

/**
 * The picture that starts with these bytes, `HEAD` of them or fewer.
 *
 * @param {Uint8Array} head
 * @returns {Picture}
 */
export function readPicture(head) {
  const { format } = sniff(head);
  try {
    const told = READERS[format]?.(new DataView(head.buffer, head.byteOffset, Math.min(head.byteLength, HEAD)));
    return { format, ...NOTHING, ...told };
  } catch (error) {
    if (error instanceof RangeError) return { format, ...NOTHING }; // the header is cut short
    throw error;
  }
}

const NOTHING = { width: 0, height: 0, alpha: false };

/**
 * Whether some pixel of a PNG is below full alpha; undefined where that cannot be told without decoding it.
 *
 * Rows are compared with what a wholly opaque row is under its filter, so none has to be reversed.
 *
 * @param {Uint8Array} content
 * @returns {Promise<boolean | undefined>}
 */
export async function isSeeThrough(content) {
  if (!readPicture(content.subarray(0, HEAD)).alpha) return false;
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  const [width, height] = [view.getUint32(16), view.getUint32(20)];
  const [depth, color, interlace] = [view.getUint8(24), view.getUint8(25), view.getUint8(28)];
  if (![4, 6].includes(color) || interlace || ![8, 16].includes(depth)) return undefined;
  const step = ((color === 4 ? 2 : 4) * depth) / 8;
  const sample = depth / 8;
  const length = 1 + width * step;
  const data = await inflated([...chunks(view, "IDAT")]);
  if (data === undefined || data.length < length * height) return undefined;
  for (let row = 0; row < height; row++) {
    const start = row * length;
    const [first, rest] = opaque(data[start] ?? 0, row === 0);
    for (let byte = 1 + step - sample; byte < 1 + step; byte++) {
      if (data[start + byte] !== first) return true;
      for (let at = byte + step; at < length; at += step) if (data[start + at] !== rest) return true;
    }
  }
  return false;
}

/**
 * A PNG mask for a picture: transparent, so edited, inside the boxes, and opaque everywhere else.
 *
 * @param {Uint8Array | Blob} image
 * @param {...Box} boxes
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
export async function makeMask(image, ...boxes) {
  const { width, height } = readPicture((await bytesOf(image)).subarray(0, HEAD));
  if (!width) throw new RangeError("the size of the picture is not known: not a PNG, JPEG, WebP or GIF");
  if (!boxes.length) throw new RangeError("a mask needs a box: [left, top, right, bottom]");
  const rows = new Uint8Array(height * (1 + 4 * width)).fill(255);
  for (let row = 0; row < height; row++) {
    const start = row * (1 + 4 * width);
    rows.fill(0, start, start + 1);
    for (let at = start + 1; at < start + 1 + 4 * width; at += 4) rows.fill(0, at, at + 3);
  }
  for (const [left, top, right, bottom] of boxes) {
    if (!(0 <= left && left < right && right <= width && 0 <= top && top < bottom && bottom <= height)) {
      throw new RangeError(`the box ${[left, top, right, bottom]} is empty, or not inside ${width}x${height}`);
    }
    for (let row = top; row < bottom; row++) {
      const start = row * (1 + 4 * width) + 1;
      rows.fill(0, start + 4 * left, start + 4 * right);
    }
  }
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header.set([8, 6, 0, 0, 0], 8);
  const data = await piped(rows, new CompressionStream("deflate"));
  return joinedBytes([
    binary("\x89PNG\r\n\x1a\n"),
    ...chunk("IHDR", header),
    ...chunk("IDAT", data),
    ...chunk("IEND", new Uint8Array()),
  ]);
}

/**
 * Throws RangeError for a mask that servers refuse: without alpha, opaque all over, or of another size.
 *
 * @param {Uint8Array | Blob} mask
 * @param {Uint8Array | Blob} image
 * @returns {Promise<void>}
 */
export async function checkMask(mask, image) {
  const content = await bytesOf(mask);
  const told = readPicture(content.subarray(0, HEAD));
  const wanted = readPicture((await bytesOf(image)).subarray(0, HEAD));
  if (!told.alpha) throw new RangeError(`the mask has no alpha channel (${told.format || "unknown format"})`);
  if (told.format === "png" && (await isSeeThrough(content)) === false) {
    throw new RangeError("the mask is opaque all over, so nothing would be edited");
  }
  if (wanted.width && (told.width !== wanted.width || told.height !== wanted.height)) {
    const sizes = `the mask is ${told.width}x${told.height}, the picture ${wanted.width}x${wanted.height}`;
    throw new RangeError(sizes);
  }
}

/** @param {Uint8Array | Blob} given */
async function bytesOf(given) {
  return given instanceof Blob ? new Uint8Array(await given.arrayBuffer()) : given;
}

/**
 * The first and every later filtered alpha sample of a row of full alpha, below a row of the same or as the first one
 * (PNG, section 9).
 *
 * @param {number} kind
 * @param {boolean} first
 * @returns {[number, number]}
 */
function opaque(kind, first) {
  if (kind === 0) return [255, 255];
  if (kind === 1 || (kind === 4 && first)) return [255, 0];
  if (kind === 3) return first ? [255, 128] : [128, 0];
  return first ? [255, 255] : [0, 0];
}

/** @type {Record<string, (head: DataView) => Partial<Picture>>} */
const READERS = {
  png: (head) => {
    const color = head.getUint8(25);
    const alpha = [4, 6].includes(color) || !chunks(head, "tRNS").next().done;
    return { width: head.getUint32(16), height: head.getUint32(20), alpha };
  },
  gif: (head) => ({ width: head.getUint16(6, true), height: head.getUint16(8, true) }),
  webp: (head) => {
    const kind = latin1(new Uint8Array(head.buffer, head.byteOffset + 12, 4));
    if (kind === "VP8X") {
      const [width, height] = [24, 27].map((at) => 1 + head.getUint16(at, true) + (head.getUint8(at + 2) << 16));
      return { width: width ?? 0, height: height ?? 0, alpha: Boolean(head.getUint8(20) & 0x10) };
    }
    if (kind === "VP8L") {
      const bits = head.getUint32(21, true);
      const alpha = Boolean((bits >>> 28) & 1);
      return { width: 1 + (bits & 0x3fff), height: 1 + ((bits >>> 14) & 0x3fff), alpha };
    }
    return { width: head.getUint16(26, true) & 0x3fff, height: head.getUint16(28, true) & 0x3fff };
  },
  jpeg: (head) => {
    let [at, sideways] = [2, false];
    while (head.getUint8(at) === 0xff) {
      const [kind, length] = [head.getUint8(at + 1), head.getUint16(at + 2)];
      if (kind === 0xe1 && head.getUint32(at + 4) === 0x45786966) sideways = orientation(head, at + 10) >= 5;
      if (kind >= 0xc0 && kind <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(kind)) {
        const [height, width] = [head.getUint16(at + 5), head.getUint16(at + 7)];
        return sideways ? { width: height, height: width } : { width, height };
      }
      at += 2 + length;
    }
    return {};
  },
};

/**
 * The EXIF orientation, 1 to 8; from 5 on a picture lies on its side.
 *
 * @param {DataView} head
 * @param {number} exif
 */
function orientation(head, exif) {
  const little = head.getUint16(exif) === 0x4949;
  const start = exif + head.getUint32(exif + 4, little);
  for (let number = 0; number < head.getUint16(start, little); number++) {
    const entry = start + 2 + 12 * number;
    if (head.getUint16(entry, little) === 0x0112) return head.getUint16(entry + 8, little);
  }
  return 1;
}

/**
 * The chunks of one kind in a PNG.
 *
 * @param {DataView} content
 * @param {string} wanted
 * @returns {Generator<Uint8Array, void>}
 */
function* chunks(content, wanted) {
  let at = 8;
  while (at + 8 <= content.byteLength) {
    const length = content.getUint32(at);
    const kind = latin1(new Uint8Array(content.buffer, content.byteOffset + at + 4, 4));
    const start = content.byteOffset + at + 8;
    const rest = content.byteLength - at - 8;
    if (kind === wanted) yield new Uint8Array(content.buffer, start, Math.min(length, rest));
    at += 12 + length;
  }
}

/**
 * @param {string} kind
 * @param {Uint8Array} data
 */
function chunk(kind, data) {
  const named = joinedBytes([binary(kind), data]);
  const ends = new DataView(new ArrayBuffer(8));
  ends.setUint32(0, data.length);
  ends.setUint32(4, crc32(named));
  return [new Uint8Array(ends.buffer, 0, 4), named, new Uint8Array(ends.buffer, 4, 4)];
}

/** @param {Uint8Array} data */
function crc32(data) {
  let crc = -1;
  for (const byte of data) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

/**
 * @param {Uint8Array[]} pieces
 * @returns {Promise<Uint8Array | undefined>} undefined for what is broken.
 */
async function inflated(pieces) {
  try {
    return await piped(joinedBytes(pieces), new DecompressionStream("deflate"));
  } catch {
    return undefined;
  }
}

/**
 * @param {Uint8Array<ArrayBuffer>} data
 * @param {CompressionStream | DecompressionStream} through
 */
async function piped(data, through) {
  return new Uint8Array(await new Response(new Blob([data]).stream().pipeThrough(through)).arrayBuffer());
}

/**
 * @param {readonly Uint8Array[]} pieces
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function joinedBytes(pieces) {
  const whole = new Uint8Array(pieces.reduce((size, piece) => size + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** @param {string} text */
function binary(text) {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

/** @param {Uint8Array} content */
function latin1(content) {
  return String.fromCharCode(...content);
}

/**
 * @param {Uint8Array} content
 * @param {string} signature
 */
function startsWith(content, signature) {
  return latin1(content.subarray(0, signature.length)) === signature;
}
