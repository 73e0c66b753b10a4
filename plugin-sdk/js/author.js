/** The author's `plugin.js`: what it must have, what it says about itself, and where in it something went wrong. */

import * as exported from "plugin";
import { instead } from "./instead.js";
import { log } from "./runtime.js";

/** What `plugin.js` exports; a copy, so that esbuild does not ask what is there. */
export const plugin = { ...exported };

/** The author's function of this name; ends the build if there is none. */
export function need(name, form, world, other) {
  if (typeof plugin[name] === "function") return plugin[name];
  const orElse = `; or is it of the other world, since it exports \`${other}\`? Then change \`world\` in plugin.toml`;
  const hint = other in plugin ? orElse : "";
  const what = `plugin.js exports no function \`${name}\`, which every ${world} needs`;
  throw new Error(`${what}\nfix: write \`${form}\`${hint}`);
}

/** Ends the build where what `plugin.js` exports under this name is something else. */
function mustBe(name, what, fits, form) {
  if (!(name in plugin) || fits(plugin[name])) return;
  const given = JSON.stringify(plugin[name]);
  throw new Error(`\`${name}\` in plugin.js must be ${what}, not ${given}\nfix: write \`${form}\``);
}

const isList = (given) => Array.isArray(given) && given.every((each) => typeof each === "string");
const isFormat = (given) => Number.isInteger(given) && given >= 0;
mustBe("extensions", "a list of strings", isList, "export const extensions = [\"example.greeting\"];");
mustBe("snapshot", "a whole number", isFormat, "export const snapshot = 1;");

/** What the plugin says about itself: what plugin.toml says, and what the code knows. */
export const meta = {
  describe() {
    const { extensions = [], snapshot } = plugin;
    return JSON.stringify({ ...HANGAR_IDENTITY, extensions, snapshot });
  },
  selfTest() {
    try {
      plugin.selfTest?.();
    } catch (error) {
      report(error);
      throw explain(error).toWellFormed();
    }
  },
};

/** What went wrong, with the place in the author's code. */
export function explain(error) {
  if (!(error instanceof Error)) return `This was thrown, which is no Error: ${JSON.stringify(error) ?? error}`;
  const missing = error instanceof ReferenceError && /^'?(\w+)/.exec(error.message)?.[1];
  const known = missing && Object.hasOwn(instead, missing);
  const hint = known ? `; a plugin has no \`${missing}\`: ${instead[missing]}` : "";
  const [place] = places(error);
  return `${error.name}: ${error.message}${hint}${place ? ` (${place.where})` : ""}`;
}

/** Writes the error to the log, with its places in the author's code. */
export function report(error) {
  log.error(error);
  for (const { name, where } of places(error)) log.error(`    at ${name} (${where})`);
}

/** The places in the author's code, the innermost first: `build.mjs` leaves behind what each line was made from. */
function places(error) {
  const frames = [...String(error?.stack).matchAll(/at (\S+) \([^()]*:(\d+):\d+\)/g)];
  return frames.flatMap(([, name, line]) => {
    const where = globalThis.HANGAR_LINES?.[line];
    return where ? [{ name, where }] : [];
  });
}
