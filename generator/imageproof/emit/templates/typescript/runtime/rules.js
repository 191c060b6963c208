// Requests held against the rules of their model's family, before money is spent. The table is `families.js`.

import { RequestRuleError } from "./errors.js";
import { Upload, uploadsIn } from "./files.js";
import { isJSON } from "./inputs.js";
import { isSeeThrough } from "./masks.js";
import { readPicture } from "./pictures.js";
import { faultsOf, listedIn, said } from "./schemas.js";
import { isPlain } from "./values.js";

/** @typedef {import("../types/runtime.js").Breach} Breach */
/** @typedef {Record<string, any>} Row A part of the table, as JSON has it. */

/** @type {Row | undefined} Read when it is first needed: a program that makes no call should start fast. */
let table;
const SIZE = /^([0-9]{1,6})x([0-9]{1,6})$/;
const MOST_WARNINGS = 1000; // texts that a client remembers; a program that gets so many is not helped by them

/**
 * Warns of broken rules, once for each, or throws RequestRuleError with all of them, as the caller wants it.
 *
 * @param {import("./request.js").Operation} operation
 * @param {import("./request.js").Call} call
 * @param {import("./request.js").Settings} settings
 */
export async function check(operation, call, settings) {
  const validate = call.options.validate ?? settings.validate;
  if (validate === "off") return;
  const found = await breaches(operation, call.values, call.options.family, settings.family);
  if (found.length && validate === "error") {
    throw new RequestRuleError(`${operation.name}: ${found.map(shown).join("; ")}; nothing was sent`, found);
  }
  const firsts = new Map([...found].reverse().map((one) => [one.rule, one]));
  for (const one of [...firsts.values()].reverse()) warn(`${operation.name}: ${shown(one)}`, settings.warned);
}

/**
 * @param {string} text
 * @param {Set<string>} warned
 */
function warn(text, warned) {
  if (warned.has(text) || warned.size >= MOST_WARNINGS) return;
  warned.add(text);
  console.warn(`RequestRuleWarning: ${text}`);
}

/** @param {Breach} breach */
function shown({ rule, parameter, message }) {
  return `${message} [${[parameter, rule].filter(Boolean).join(", ")}]`;
}

/**
 * The rules that arguments, by their names on the wire, break; files are Uploads. `family` overrides that of the model,
 * `fallback` is for models that have none: those obey only what holds for all. TypeError for an unknown one.
 *
 * @param {import("./request.js").Operation} operation
 * @param {Record<string, unknown>} values
 * @param {string} [family]
 * @param {import("../types/runtime.js").FamilyOption} [fallback]
 * @returns {Promise<Breach[]>}
 */
export async function breaches(operation, values, family, fallback) {
  table ??= /** @type {Row} */ ((await import("./families.js")).default);
  const form = table.operations[operation.name]?.[isJSON(operation, values) ? "json" : "body"];
  if (!form) return [];
  const given = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
  const body = form.json ? given : asParts(form, operation, given);
  const found = [...missing(form, body), ...misfits(form, body)];
  const model = body.model;
  const known = familyOf(table.families, model, family, fallback);
  const told = known?.operations[operation.name];
  if (known && !told) {
    const rows = /** @type {Row[]} */ (Object.values(table.families));
    const allowed = rows.filter((row) => operation.name in row.operations).flatMap((row) => row.models);
    const rule = form.properties.model?.["x-rule"] ?? "";
    found.push({ rule, parameter: "model", message: `not offered by ${model}`, allowed });
  } else if (told) {
    const mistyped = new Set(found.map((one) => one.parameter));
    found.push(...(await cells(form, told.cells, body)).filter((one) => !mistyped.has(one.parameter)));
    found.push(...cross(told.rules, body));
  }
  const texts = found.map((one) => JSON.stringify(one));
  return found.filter((_, at) => texts.indexOf(texts[at] ?? "") === at);
}

/**
 * @param {Row} families
 * @param {unknown} model
 * @param {string | undefined} told
 * @param {import("../types/runtime.js").FamilyOption | undefined} fallback
 * @returns {Row | undefined}
 */
function familyOf(families, model, told, fallback) {
  const own = Object.keys(families).find((name) => families[name].models.includes(model));
  const mapped = isPlain(fallback) ? fallback[String(model)] : undefined;
  const name = told ?? mapped ?? own ?? (typeof fallback === "string" ? fallback : undefined);
  if (name === undefined) return undefined;
  if (!Object.hasOwn(families, name)) {
    throw new TypeError(`no model family ${JSON.stringify(name)}; known: ${Object.keys(families).join(", ")}`);
  }
  return families[name];
}

/**
 * Arguments as the parts of a form: lists and members of objects under names of their own, null as nothing.
 *
 * @param {Row} form
 * @param {import("./request.js").Operation} operation
 * @param {Record<string, unknown>} values
 * @returns {Record<string, unknown>}
 */
function asParts(form, operation, values) {
  /** @type {Record<string, unknown>} */
  const parts = {};
  for (const [name, value] of Object.entries(values)) {
    if (isPlain(value) && !operation.documents?.includes(name)) {
      const inner = Object.entries(value).map(([key, item]) => [`${name}[${key}]`, item]);
      Object.assign(parts, asParts(form, operation, Object.fromEntries(inner)));
    } else if (value !== null && value !== undefined) {
      const part = Array.isArray(value) ? (operation.lists?.[name] ?? name) : name;
      parts[part] = asRead(form, part, value);
    }
  }
  return parts;
}

/**
 * A value of a form as its server reads it: a text that is a number is one, where one is wanted.
 *
 * @param {Row} form
 * @param {string} name
 * @param {unknown} value
 */
function asRead(form, name, value) {
  const wanted = form.properties[name]?.type ?? "string";
  if (typeof value !== "string" || !["integer", "number", "boolean"].includes(wanted)) return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

/**
 * @param {Row} form
 * @param {Record<string, unknown>} body
 * @returns {Breach[]}
 */
function missing(form, body) {
  const groups = /** @type {string[][]} */ (form.required).filter((names) => !names.some((name) => name in body));
  return groups.map((names) => {
    const rule = names.map((name) => form.properties[name]?.["x-rule-missing"]).find(Boolean) ?? "";
    return { rule, parameter: names[0] ?? "", message: `${names.join(" or ")} is required`, allowed: [] };
  });
}

/**
 * Breaches of what holds for every model.
 *
 * @param {Row} form
 * @param {Record<string, unknown>} body
 * @returns {Breach[]}
 */
function misfits(form, body) {
  return Object.entries(body).flatMap(([name, value]) => {
    const schema = Object.hasOwn(form.properties, name) ? form.properties[name] : undefined;
    if (!schema) return [];
    const parameter = schema["x-parameter"] ?? name;
    if (value instanceof Upload && !schema.file) {
      return [{ rule: form.type_rule, parameter, message: `${name} must not be a file`, allowed: [] }];
    }
    return faultsOf(schema, bare(value)).map((fault) => {
      let deepest = fault;
      while (deepest.inner.length) {
        deepest = deepest.inner.reduce((best, one) => (one.path.length > best.path.length ? one : best));
      }
      const rule = deepest.keyword === "type" ? form.type_rule : deepest.rule;
      return { rule, parameter, message: `${name} ${said(deepest)}`, allowed: listedIn(schema) };
    });
  });
}

/**
 * Breaches of what a family says of one parameter.
 *
 * @param {Row} form
 * @param {Row} told
 * @param {Record<string, unknown>} body
 * @returns {Promise<Breach[]>}
 */
async function cells(form, told, body) {
  /** @type {Breach[]} */
  const found = [];
  for (const [name, value] of Object.entries(body)) {
    const schema = form.properties[name];
    if (value === null || !schema) continue;
    const parameter = schema["x-parameter"] ?? name;
    for (const one of new Set([name, parameter])) {
      if (!Object.hasOwn(told, one)) continue;
      const { rule, schema: own, file } = told[one];
      if (own === false) {
        found.push({ rule, parameter, message: `${parameter} is not a parameter of this model`, allowed: [] });
        continue;
      }
      const texts = faultsOf(own, bare(value)).map((fault) => said(fault));
      texts.push(offGrid(own["x-size-grid"], value));
      for (const upload of file ? uploadsIn(value) : []) {
        texts.push(...faultsOf(file, await factsOf(upload, file, body)).map((fault) => said(fault, "its ")));
      }
      const allowed = listedIn(own);
      found.push(...texts.filter(Boolean).map((text) => ({ rule, parameter, message: `${name} ${text}`, allowed })));
    }
  }
  return found;
}

/**
 * Breaches of what spans parameters.
 *
 * @param {Row[]} rules
 * @param {Record<string, unknown>} body
 * @returns {Breach[]}
 */
function cross(rules, body) {
  const told = Object.entries(body).filter(([, value]) => value !== null);
  const given = Object.fromEntries(told.map(([name, value]) => [name, bare(value)]));
  const broken = rules.filter((rule) => !faultsOf(rule.when, given).length && faultsOf(rule.then, given).length);
  return broken.map(({ id, when, then, message }) => {
    const names = [then?.properties ?? {}, when.properties ?? {}].flatMap(Object.keys).concat(when.required ?? []);
    const parameter = names.find((one) => Object.hasOwn(given, one)) ?? names[0] ?? "";
    return { rule: id, parameter, message, allowed: [] };
  });
}

/**
 * @param {Record<string, number> | undefined} grid
 * @param {unknown} value
 * @returns {string} "" for a size that is on the grid, and for what is no size.
 */
function offGrid(grid, value) {
  const match = grid && typeof value === "string" ? SIZE.exec(value) : null;
  if (!grid || !match) return "";
  const { multiple_of = 1, max_edge = Infinity, max_ratio = Infinity, min_pixels = 0, max_pixels = Infinity } = grid;
  const [width, height] = [Number(match[1]), Number(match[2])];
  if (width % multiple_of || height % multiple_of) return `${value}: both edges must be multiples of ${multiple_of}`;
  if (Math.max(width, height) > max_edge) return `${value}: no edge may be longer than ${max_edge}`;
  if (Math.max(width, height) > max_ratio * Math.min(width, height)) {
    return `${value}: the longer edge may be at most ${max_ratio} times the shorter`;
  }
  if (width * height < min_pixels || width * height > max_pixels) {
    return `${value}: the area must be between ${min_pixels} and ${max_pixels} pixels`;
  }
  return "";
}

/**
 * What rules may ask of a file; what its header does not tell is left out, and breaks none.
 *
 * @param {Upload} file
 * @param {Row} schema
 * @param {Record<string, unknown>} body
 */
async function factsOf(file, schema, body) {
  const { format, width, height, alpha } = readPicture(file.head);
  /** @type {Record<string, unknown>} */
  const facts = { format, bytes: file.blob.size, alpha, masked: "mask" in body };
  if (width) {
    const [first] = ["image", "image[]"].flatMap((name) => uploadsIn(body[name]));
    const other = first && readPicture(first.head);
    const same_size = other?.width === width && other.height === height;
    Object.assign(facts, { width, height, square: width === height, same_size });
  }
  if ("transparent" in (schema.properties ?? {}) && format === "png") {
    const transparent = await isSeeThrough(new Uint8Array(await file.blob.arrayBuffer()));
    if (transparent !== undefined) facts.transparent = transparent;
  }
  return facts;
}

/**
 * A value as JSON Schema sees it: a file is some text.
 *
 * @param {unknown} value
 * @returns {unknown}
 */
function bare(value) {
  if (value instanceof Upload) return "";
  return Array.isArray(value) ? value.map(bare) : value;
}
