// LangChain's tool around the Images API: OPERATION and its arguments as JSON come from the command line, as
// `clients.yaml` says.
import fs from "node:fs";
import { DallEAPIWrapper } from "@langchain/openai";

const { prompt, ...given } = JSON.parse(process.argv[3]);
const tool = new DallEAPIWrapper({ ...given, baseUrl: process.env.BASE_URL, apiKey: process.env.KEY });

const bytes = async (url) => Buffer.from(await (await fetch(url)).arrayBuffer());

try {
  const answer = await tool.invoke(prompt);
  const urls = Array.isArray(answer) ? answer.map((one) => one.image_url) : [answer];
  const pictures = urls.map((_, number) => `picture-${number}`);
  for (const [number, url] of urls.entries()) fs.writeFileSync(pictures[number], await bytes(url));
  console.log(JSON.stringify({ pictures }));
} catch (error) {
  const { status, message, param, code } = error;
  if (status === undefined) throw error;
  console.log(JSON.stringify({ error: { type: error.constructor.name, status, message, param, code } }));
}
