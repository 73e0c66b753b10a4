/**
 * Builds a project in JavaScript to a component:
 *
 *     node build.mjs --project DIR --world WORLD --wit DIR --out FILE --tools DIR
 *
 * The folder of `--tools` has the packages of package-lock.json in its `node_modules`; the environment variable
 * HANGAR_IDENTITY is what plugin.toml says, as JSON. Says nothing when all is well; otherwise it says what is wrong in
 * plugin.js.
 */

import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { SourceMap, createRequire, isBuiltin } from "node:module";
import { join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

// For three platforms the registry has no binding of componentize-qjs 0.4.5. package.json overrides those with an older
// one, because `npm ci` wants the lock file whole; this makes a build there fail instead of mixing versions.
process.env.NAPI_RS_ENFORCE_VERSION_CHECK = "1";

const names = ["project", "world", "wit", "out", "tools"];
const options = Object.fromEntries(names.map((name) => [name, { type: "string" }]));
const { project, world, wit, out, tools } = parseArgs({ options }).values;
const sdk = fileURLToPath(new URL(".", import.meta.url));
const apps = { behaviour: "runs.js", handler: "handlers.js" };

const fromTools = createRequire(join(resolve(tools), "package.json"));
const tool = (name) => import(pathToFileURL(fromTools.resolve(name)).href);

const advice = "Packages are installed in the project with npm; what needs Node or a browser cannot work in a plugin";

/** Something that the author can mend. */
class Wrong extends Error {}

/** Where the modules of a plugin come from that are no files of its own. */
const modules = {
  name: "modules",
  setup(build) {
    build.onResolve({ filter: /^plugin$/ }, () => ({ path: resolve(project, "plugin.js") }));
    build.onResolve({ filter: /^hangar$/ }, () => ({ path: join(sdk, "hangar.js") }));
    build.onResolve({ filter: /^hangar:/ }, ({ path }) => ({ path, external: true, sideEffects: false }));
    build.onResolve({ filter: /./ }, ({ path }) => {
      if (!isBuiltin(path)) return undefined;
      const without = "a plugin runs without it: it has no files, no network and no processes";
      return { errors: [{ text: `"${path}" belongs to Node, and ${without}` }] };
    });
  },
};

async function bundled() {
  const { build, formatMessages } = await tool("esbuild");
  try {
    const { outputFiles } = await build({
      entryPoints: [join(sdk, apps[world])],
      inject: [join(sdk, "runtime.js")],
      absWorkingDir: resolve(project),
      nodePaths: [join(resolve(tools), "node_modules")],
      plugins: [modules],
      bundle: true,
      write: false,
      outfile: "plugin.bundle.js",
      sourcemap: "external",
      format: "esm",
      target: "es2023",
      // These would use the runtime's own promises, whatever stands in `globalThis.Promise`.
      supported: { "async-await": false, "async-generator": false, "for-await": false, "top-level-await": false },
      define: { HANGAR_IDENTITY: process.env.HANGAR_IDENTITY },
      logLevel: "silent",
    });
    const of = (suffix) => outputFiles.find(({ path }) => path.endsWith(suffix)).text;
    return { code: of(".js"), map: new SourceMap(JSON.parse(of(".map"))) };
  } catch (error) {
    if (!error.errors) throw error;
    for (const each of error.errors) {
      each.pluginName = "";
      if (each.text.startsWith("Could not resolve")) each.notes = [{ text: advice }];
    }
    throw new Wrong((await formatMessages(error.errors, { kind: "error", color: false })).join("").trim());
  }
}

/** Which line of the bundle was made from which line of the author: `{ 17: "plugin.js, line 3" }`. */
function places({ code, map }) {
  const found = code.split("\n").map((text, at) => [at + 1, map.findEntry(at, text.search(/\S/)), at]);
  const own = found.filter(
    ([, entry, at]) => entry.generatedLine === at && !/^(<|\.\.\/|sdk\/|node_modules\/)/.test(entry.originalSource),
  );
  return Object.fromEntries(
    own.map(([line, { originalSource, originalLine }]) => [line, `${originalSource}, line ${originalLine + 1}`]),
  );
}

async function component(bundle) {
  const { componentize } = await tool("componentize-qjs");
  const lines = places(bundle);
  const jsSource = `${bundle.code}\nglobalThis.HANGAR_LINES = ${JSON.stringify(lines)};\n`;
  try {
    return (await componentize({ jsSource, witPath: resolve(wit), world, sync: true })).component;
  } catch (error) {
    throw new Wrong(whatIsWrong(error.message, lines));
  }
}

/** What JavaScript said while it loaded plugin.js, without the tool's words around it and the places of the SDK. */
function whatIsWrong(said, lines) {
  const called = /unknown import: `(.*)` has not been defined/.exec(said);
  if (called) return `plugin.js calls the host (${called[1]}) while it is being built\nfix: do that in a function`;
  const missing = /Error resolving module '(hangar:[^']*)'/.exec(said);
  if (missing) return `plugin.js uses ${missing[1]}, which is not there for a ${world}`;
  const [text, ...frames] = said.replace(/^.*JavaScript module.*?: (Error: )?/s, "").split("\n    at ");
  const where = frames.flatMap((frame) => lines[/:(\d+):\d+\)/.exec(frame)?.[1]] ?? []);
  return where.length > 0 ? `${text} (${where[0]})` : text;
}

try {
  if (!existsSync(join(project, "plugin.js"))) {
    throw new Wrong(`there is no plugin.js in ${project}\nfix: write one; \`hangar plugin new\` shows how it begins`);
  }
  await writeFile(out, await component(await bundled()));
} catch (error) {
  if (!(error instanceof Wrong)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
