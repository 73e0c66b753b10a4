/**
 * What the JavaScript of a component lacks, set up before any other module runs: `build.mjs` puts this file first.
 *
 * The runtime never carries out the jobs of its own promises, so a library's take their place. Their jobs are kept
 * here until `runJobs` carries them out; `build.mjs` writes `async` and `await` so that they use these promises too.
 */

import log from "hangar:plugin/log@1.0.0";
import JobPromise from "promise-polyfill";

/** What is to be done before the step ends, in order. */
const jobs = [];
const later = (job) => void jobs.push(job);

/** Carries out the jobs, and those that they cause, until none is left. */
export function runJobs() {
  for (let job = 0; job < jobs.length; job++) jobs[job]();
  jobs.length = 0;
}

JobPromise._immediateFn = later;
JobPromise._unhandledRejectionFn = (error) => console.warn("Nobody awaited what failed here:", error);
globalThis.Promise = JobPromise;
globalThis.queueMicrotask = later;

globalThis.setTimeout = () => {
  throw new Error("A run has no setTimeout; await cx.sleep(ms) instead");
};

/** A console that writes to the plugin's log. */
const lines = (level) => (...values) => log.write(level, values.map(String).join(" "));
globalThis.console = {
  debug: lines("debug"),
  log: lines("info"),
  info: lines("info"),
  warn: lines("warn"),
  error: lines("error"),
};

/** Text as bytes and back; there is no `TextEncoder`. */
export const utf8 = {
  encode: (text) => Uint8Array.from(unescape(encodeURIComponent(text.toWellFormed())), (char) => char.charCodeAt(0)),
  decode: (bytes) => decodeURIComponent(escape(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""))),
};

/** Lets `Math.random` follow the seed of the session. Without it every run draws what was settled by the build. */
export function seedRandom(seed) {
  // FNV-1a: a number from the text.
  let state = utf8.encode(seed).reduce((hash, byte) => Math.imul(hash ^ byte, 0x01000193), 0x811c9dc5 | 0);
  Math.random = () => {
    // Mulberry32: small, and good enough to choose or to shuffle.
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
