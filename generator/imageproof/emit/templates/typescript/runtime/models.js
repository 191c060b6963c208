// What answers are made of: objects as they came. Those that carry files learn what to do with them.

import { carry, hasFile } from "./content.js";
import { isObject } from "./errors.js";

/**
 * @typedef {string | { list: Type } | { map: Type } | { tag: string, of: Record<string, string> } | { closest: string[] }
 *   | undefined} Type The name of a shape, or what holds some; undefined for what holds no file.
 */

/**
 * @typedef {object} Shape A model that carries a file, or leads to one that does. `fields` are its members, where it has
 *   to be told apart from others by them.
 * @property {string} [inline] The member with the file as base64.
 * @property {string} [link] The member with its URL.
 * @property {boolean} [sized] Whether no member hides the file's own size and format.
 * @property {Record<string, Type>} [members]
 * @property {string} [files] The member that lists the files for whose sake the call was made.
 * @property {readonly string[]} [fields]
 */

/** @typedef {Readonly<Record<string, Shape>>} Shapes */

/**
 * A value of an answer, with what carries files made one that can hand them out. What is not as the document says stays
 * as it came.
 *
 * @param {any} value
 * @param {Type} type
 * @param {Shapes} shapes
 * @param {import("./content.js").Origin} origin
 * @returns {any}
 */
export function decoded(value, type, shapes, origin) {
  if (type === undefined || typeof value !== "object" || value === null) return value;
  if (typeof type === "string") {
    if (Array.isArray(value)) return value;
    const shape = shapes[type] ?? {};
    for (const [name, inner] of Object.entries(shape.members ?? {})) {
      if (Object.hasOwn(value, name)) value[name] = decoded(value[name], inner, shapes, origin);
    }
    if (shape.inline) carry(value, { ...shape, inline: shape.inline }, origin);
    return value;
  }
  if ("list" in type) return Array.isArray(value) ? value.map((one) => decoded(one ?? bare(type.list, shapes), type.list, shapes, origin)) : value;
  if (Array.isArray(value)) return value;
  if ("tag" in type) {
    const name = Object.hasOwn(type.of, value[type.tag]) ? type.of[value[type.tag]] : undefined;
    return decoded(value, name, shapes, origin);
  }
  if ("closest" in type) return decoded(value, closest(value, type.closest, shapes), shapes, origin);
  for (const [name, item] of Object.entries(value)) value[name] = decoded(item, type.map, shapes, origin);
  return value;
}

/**
 * What stands for null in a list: where files are listed, one without a file, so that its neighbours can be used.
 *
 * @param {Type} type
 * @param {Shapes} shapes
 */
function bare(type, shapes) {
  return typeof type === "string" && shapes[type]?.inline ? {} : null;
}

/**
 * The shape that declares most members of a value.
 *
 * @param {Record<string, unknown>} value
 * @param {readonly string[]} names
 * @param {Shapes} shapes
 */
function closest(value, names, shapes) {
  const counts = names.map((name) => (shapes[name]?.fields ?? []).filter((field) => field in value).length);
  return names[counts.indexOf(Math.max(...counts))];
}

/**
 * Whether some file is there of those for whose sake the call was made. Beside one that is good, others may be missing.
 *
 * @param {any} value
 * @param {Type} type
 * @param {Shapes} shapes
 */
export function holdsFiles(value, type, shapes) {
  const name = typeof type === "string" ? shapes[type]?.files : undefined;
  if (!name || !isObject(value)) return true;
  const found = value[name];
  return Array.isArray(found) && found.some(hasFile);
}
