// npm's `openai`: OPERATION and its arguments as JSON come from the command line, as `clients.yaml` says.
import fs from "node:fs";
import OpenAI, { APIError, toFile } from "openai";

const [operation, json] = process.argv.slice(2);
const { image, mask, as = "stream", ...given } = JSON.parse(json);
const client = new OpenAI({ baseURL: process.env.BASE_URL, apiKey: process.env.KEY });
const pictures = [];
const events = [];

// How a user may give a file.
const opened = {
  stream: (name) => fs.createReadStream(name),
  blob: (name) => fs.openAsBlob(name),
  bytes: (name) => toFile(fs.readFileSync(name)),
}[as];

function keep(base64) {
  pictures.push(`picture-${pictures.length}`);
  fs.writeFileSync(pictures.at(-1), Buffer.from(base64, "base64"));
}

async function call() {
  if (operation === "generate") return client.images.generate(given);
  const files = {
    image: Array.isArray(image) ? await Promise.all(image.map(opened)) : await opened(image),
    ...(mask && { mask: await toFile(fs.createReadStream(mask), mask, { type: "image/png" }) }),
  };
  return client.images.edit({ ...files, ...given });
}

try {
  const answer = await call();
  if (given.stream) {
    for await (const event of answer) {
      events.push(event.type);
      keep(event.b64_json);
    }
  } else {
    for (const one of answer.data) keep(one.b64_json);
  }
  console.log(JSON.stringify({ pictures, events }));
} catch (error) {
  if (!(error instanceof APIError)) throw error;
  const { status, message, param, code } = error;
  console.log(JSON.stringify({ error: { type: error.constructor.name, status, message, param, code } }));
}
