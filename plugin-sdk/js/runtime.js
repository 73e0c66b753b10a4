/**
 * What the JavaScript of a component lacks, set up before any other module runs: `build.mjs` puts this file first.
 *
 * The runtime never carries out the jobs of its own promises, so a library's take their place. Their jobs are kept
 * here until `runJobs` carries them out; `build.mjs` writes `async` and `await` so that they use these promises too.
 */

import lines from "hangar:plugin/log@1.0.0";
import "./instead.js"; // The library looks for a `setTimeout` while it loads.
import JobPromise from "promise-polyfill";
import { Cancelled } from "./failures.js";

/** What is to be done before the step ends, in order. */
const jobs = [];
const later = (job) => void jobs.push(job);

/** Carries out the jobs, and those that they cause, until none is left. */
export function runJobs() {
  for (let job = 0; job < jobs.length; job++) jobs[job]();
  jobs.length = 0;
}

JobPromise._immediateFn = later;
JobPromise._unhandledRejectionFn = (error) => {
  if (!(error instanceof Cancelled)) console.warn("Nobody awaited what failed here:", error);
};
globalThis.Promise = JobPromise;
globalThis.queueMicrotask = later;

// The author's line may be far down the stack.
Error.stackTraceLimit = 50;

/** Writes to the log. While the component is built there is none, nor the table that the build appends. */
const write = (level) => (...values) => {
  if (globalThis.HANGAR_LINES) lines.write(level, values.map(shown).join(" ").toWellFormed());
};

/** The plugin's log. `console` writes there, too. */
export const log = {
  trace: write("trace"),
  debug: write("debug"),
  info: write("info"),
  warn: write("warn"),
  error: write("error"),
};
globalThis.console = { ...log, log: log.info };

function shown(value) {
  if (typeof value !== "object" || value === null || value instanceof Error) return String(value);
  try {
    return JSON.stringify(value);
  } catch {
    return String(value);
  }
}

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
