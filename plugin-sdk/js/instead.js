/** What plugins do not have, and what they do instead. */

/** What other JavaScript has, by its name. */
export const instead = {
  setTimeout: "let time pass with `await cx.sleep(ms)`, or bound a wait with `cx.timeout(ms, promise)`",
  setInterval: "write a loop with `await cx.sleep(ms)`",
  setImmediate: "write a loop with `await cx.sleep(0)`",
  fetch: "there is no network; let the host do it, with `cx.callTools(...)` or `cx.command(...)`",
  process: "there is no environment; take `cx.settings` and `cx.info`",
  Buffer: "take a Uint8Array, and `utf8` from \"hangar\" for text",
  TextEncoder: "take `utf8` from \"hangar\"",
  TextDecoder: "take `utf8` from \"hangar\"",
};

// The others stay undefined, since libraries look whether they are there.
for (const name of ["setTimeout", "setInterval", "setImmediate", "fetch"]) {
  globalThis[name] = () => {
    throw new Error(`A plugin has no \`${name}\`: ${instead[name]}`);
  };
}
