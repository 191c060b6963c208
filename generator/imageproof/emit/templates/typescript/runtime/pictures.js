// Pictures known by their first bytes, without decoding them.

/** @typedef {import("../types/runtime.js").Picture} Picture */

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
export function* chunks(content, wanted) {
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
