// Masks, which say where a picture is edited.

import { contentOf } from "./files.js";
import { HEAD, chunks, joinedBytes, readPicture } from "./pictures.js";

const HEADER = 33; // bytes of a PNG's signature and first chunk

/** @typedef {readonly [left: number, top: number, right: number, bottom: number]} Box */

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
  if (content.length < HEADER) return undefined;
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
 * @param {import("../types/runtime.js").FileInput} image
 * @param {...Box} boxes
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
export async function makeMask(image, ...boxes) {
  const { width, height } = readPicture((await contentOf("image", image)).subarray(0, HEAD));
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
 * @param {import("../types/runtime.js").FileInput} mask
 * @param {import("../types/runtime.js").FileInput} image
 * @returns {Promise<void>}
 */
export async function checkMask(mask, image) {
  const content = await contentOf("mask", mask);
  const told = readPicture(content.subarray(0, HEAD));
  const wanted = readPicture((await contentOf("image", image)).subarray(0, HEAD));
  if (!told.alpha) throw new RangeError(`the mask has no alpha channel (${told.format || "unknown format"})`);
  if (told.format === "png" && (await isSeeThrough(content)) === false) {
    throw new RangeError("the mask is opaque all over, so nothing would be edited");
  }
  if (wanted.width && (told.width !== wanted.width || told.height !== wanted.height)) {
    const sizes = `the mask is ${told.width}x${told.height}, the picture ${wanted.width}x${wanted.height}`;
    throw new RangeError(sizes);
  }
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

/** @param {string} text */
function binary(text) {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}
