// The TypeScript client that imageproof emits: OPERATION and its arguments as JSON come from the command line, as
// `clients.yaml` says.
import fs from "node:fs";

const { default: OpenAI } = await import(`${process.env.GENERATED}/typescript/src/index.js`);
const [operation, json] = process.argv.slice(2);
const { image, mask, as = "path", ...given } = JSON.parse(json);
const client = new OpenAI({ baseURL: process.env.BASE_URL, apiKey: process.env.KEY });
const pictures = [];
const events = [];

// How a user may give a file.
const opened = {
  path: (name) => name,
  stream: (name) => fs.createReadStream(name),
  blob: (name) => fs.openAsBlob(name),
  bytes: (name) => fs.readFileSync(name),
}[as];

async function keep(one) {
  pictures.push(`picture-${pictures.length}`);
  fs.writeFileSync(pictures.at(-1), await one.toBytes());
}

async function call() {
  if (operation === "generate") return client.images.generate(given);
  const files = { image: Array.isArray(image) ? image.map(opened) : await opened(image), ...(mask && { mask }) };
  return client.images.edit({ ...files, ...given });
}

try {
  const answer = await call();
  if (given.stream) {
    for await (const event of answer) {
      events.push(event.type);
      await keep(event);
    }
  } else {
    for (const one of answer.data) await keep(one);
  }
  console.log(JSON.stringify({ pictures, events }));
} catch (error) {
  if (!(error instanceof OpenAI.BadRequestError)) throw error;
  const { status, message, param, code } = error;
  console.log(JSON.stringify({ error: { type: "BadRequestError", status, message, param, code } }));
}
