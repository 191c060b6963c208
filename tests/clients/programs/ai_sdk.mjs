// npm's `ai` over one of its providers: OPERATION and its arguments as JSON come from the command line, as
// `clients.yaml` says.
import fs from "node:fs";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { APICallError, generateImage } from "ai";

const [provider, operation, json] = process.argv.slice(2);
const { model, prompt, image, mask, n, size, ...others } = JSON.parse(json);
const settings = { name: "own", baseURL: process.env.BASE_URL, apiKey: process.env.KEY };
const made = provider === "openai" ? createOpenAI(settings) : createOpenAICompatible(settings);

const edit = () => ({ text: prompt, images: image.map((name) => fs.readFileSync(name)), mask: mask && fs.readFileSync(mask) });

try {
  const { images } = await generateImage({
    model: made.imageModel(model),
    prompt: operation === "edit" ? edit() : prompt,
    n,
    size,
    providerOptions: { [provider === "openai" ? "openai" : "own"]: others },
  });
  const pictures = images.map((_, number) => `picture-${number}`);
  images.forEach((one, number) => fs.writeFileSync(pictures[number], one.uint8Array));
  console.log(JSON.stringify({ pictures }));
} catch (error) {
  if (!APICallError.isInstance(error)) throw error;
  const { param, code } = error.data.error;
  console.log(JSON.stringify({ error: { type: error.name, status: error.statusCode, message: error.message, param, code } }));
}
