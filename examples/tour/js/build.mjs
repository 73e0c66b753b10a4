/** node build.mjs OUT.wasm: builds the tour to a component. */

import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { componentize } from "componentize-qjs";
import { build } from "esbuild";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

const bundle = await build({
  entryPoints: [here("tour.js")],
  inject: [here("runtime.js")],
  bundle: true,
  write: false,
  format: "esm",
  external: ["hangar:*"],
  target: "es2023",
  // These would use the runtime's own promises, whatever stands in `globalThis.Promise`.
  supported: { "async-await": false, "async-generator": false, "for-await": false, "top-level-await": false },
  // The library of promises looks for it while it loads, when there is none.
  define: { setTimeout: "globalThis.setTimeout" },
  logLevel: "warning",
});

const { component } = await componentize({
  jsSource: bundle.outputFiles[0].text,
  witPath: here("../../../wit/v1"),
  world: "behaviour",
  sync: true,
});
await writeFile(process.argv[2], component);
