// What a client costs in Node, in figures of one process: NAME (or "all"), WHAT and URL come from `typescript.py`.
import path from "node:path";

const [name, what, url, rounds, count] = process.argv.slice(2);
const modules = process.env.NODE_MODULES;
const body = JSON.stringify({ prompt: "x" });
const headers = { authorization: "Bearer sk-bench", "content-type": "application/json" };

const CONTENDERS = {
  bare: async () => async () => {
    const response = await fetch(`${url}/images/generations`, { method: "POST", headers, body });
    return Buffer.from((await response.json()).data[0].b64_json, "base64");
  },
  ours: async () => {
    const { Client } = await import(path.join(process.env.PACKAGE, "src/index.js"));
    if (!url) return undefined;
    const client = new Client({ apiKey: "sk-bench", baseURL: url });
    return async () => (await client.images.generate({ prompt: "x" })).data[0].toBytes();
  },
  openai: async () => {
    const { default: OpenAI } = await import(path.join(modules, "openai/index.mjs"));
    if (!url) return undefined;
    const client = new OpenAI({ apiKey: "sk-bench", baseURL: url });
    return async () => Buffer.from((await client.images.generate({ prompt: "x" })).data[0].b64_json, "base64");
  },
};

/** Seconds of CPU since then: this process, all of its threads. */
function since(start) {
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1e6;
}

async function takenInTurns() {
  const calls = {};
  const found = {};
  for (const [one, made] of Object.entries(CONTENDERS)) {
    calls[one] = await made();
    found[one] = [];
    for (let turn = 0; turn < count; turn++) await calls[one]();
  }
  for (let round = 0; round < rounds; round++) {
    for (const [one, call] of Object.entries(calls)) {
      const start = process.cpuUsage();
      for (let turn = 0; turn < count; turn++) await call();
      found[one].push(since(start) / count);
    }
  }
  return found;
}

async function one() {
  const start = process.cpuUsage();
  const call = await CONTENDERS[name]();
  if (what === "start") return since(start);
  for (let turn = 0; turn < count; turn++) await call();
  return process.resourceUsage().maxRSS * 1024;
}

console.log(JSON.stringify(name === "all" ? await takenInTurns() : { [name]: [await one()] }));
