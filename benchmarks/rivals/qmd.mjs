// qmd, many questions at once by its JavaScript interface; its own command answers one.
//
//   node qmd.mjs words|both STORE FILE PACKAGES
//
// "words" is its search by keywords alone, "both" joins it with vectors. Its expansion of questions
// and its reranking take language models, and are left out.

import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [kind, store, file, packages] = process.argv.slice(2);
const library = `${packages}/node_modules/@tobilu/qmd/dist/index.js`;
const { createStore } = await import(pathToFileURL(library).href);

const index = await createStore({
  dbPath: `${store}/qmd/index.sqlite`,
  configPath: `${store}/config/index.yml`,
});
for (const line of readFileSync(file, "utf8").trim().split("\n")) {
  const { _id, text } = JSON.parse(line);
  const query = text.replace(/["\n-]+/g, " ");
  const found =
    kind === "words"
      ? await index.searchLex(query, { limit: 100 })
      : await index.search({
          queries: [
            { type: "lex", query },
            { type: "vec", query },
          ],
          rerank: false,
          limit: 100,
        });
  for (const { displayPath, score } of found) {
    console.log(_id, displayPath.replace(/^.*\//, "").replace(/\.txt$/, ""), score);
  }
}
await index.close();
process.exit(0);
