/** The exports of a behaviour. */

import { explain, meta, need, plugin, report } from "./author.js";
import { Cx, FORM } from "./behaviour.js";
import { complete } from "./contract.js";
import { Cancelled, Fail } from "./failures.js";
import { runJobs, seedRandom, utf8 } from "./runtime.js";

const run = need("run", "export async function run(cx) { ... }", "behaviour", "handle");
if ("resume" in plugin && !("snapshot" in plugin)) {
  const what = "plugin.js exports `resume`, but no `snapshot`, without which no run is moved";
  throw new Error(`${what}\nfix: write \`export const snapshot = 1;\`, the number of the form of what it keeps`);
}

/** Drives the author's `run`: it goes on inside `step` until it awaits something that has not come. */
class Run {
  #cx;

  constructor(info) {
    seedRandom(info.seed);
    this.#cx = new Cx(info);
  }

  step({ timeMs, token, body }) {
    const cx = this.#cx;
    cx.nowMs = Number(timeMs);
    try {
      if (body.tag === "start") {
        cx.start = body.val;
        this.#follow(() => run(cx));
      } else if (body.tag === "cancel") cx.cancel(body.val);
      else cx.deliver(token, body);
      runJobs();
    } catch (error) {
      cx.end(failure(error));
    }
    return cx.takeSent();
  }

  save() {
    return answering(() => utf8.encode(JSON.stringify(this.#cx.save())));
  }

  static restore(info, snapshot) {
    return answering(() => {
      need("resume", "export async function resume(cx, kept, rest) { ... }", "run that can be moved", "handle");
      const saved = parsed(snapshot);
      const moved = new Run(info);
      moved.#follow(() => plugin.resume(moved.#cx, saved.keep, moved.#cx.again(saved)));
      return moved;
    });
  }

  /** Sets the author's function to work and sends how it ends. */
  #follow(work) {
    const cx = this.#cx;
    const failed = (error) => cx.end(failure(error));
    // Twice, since what was thrown may itself be nothing that the host can be told.
    new Promise((resolve) => resolve(work())).then((given) => cx.end(outcome(cx, given))).catch(failed).catch(failed);
  }
}

export { meta };
export const runs = { Run };

/** What `run` may return. */
function outcome(cx, given) {
  cx.checkAwaited();
  if (typeof given === "string" || typeof given?.text === "string") return given;
  throw new TypeError(
    `\`run\` returned ${JSON.stringify(given)}; it returns the text of its answer, or { text, results, state }`,
  );
}

/** What ends the run. */
function failure(error) {
  if (error instanceof Fail) {
    // Nobody meant this to be the end, unless it was thrown for it.
    if (error.constructor !== Fail && !(error instanceof Cancelled)) report(error);
    return error;
  }
  report(error);
  return new Fail("internal", explain(error));
}

function parsed(snapshot) {
  try {
    const saved = JSON.parse(utf8.decode(snapshot));
    if (saved.form === FORM) return saved;
  } catch {}
  throw new Fail("invalid", "This is no snapshot of a run in JavaScript");
}

/** The host understands what is thrown only in the contract's own form: an `Error` would end the instance. */
function answering(work) {
  try {
    return work();
  } catch (error) {
    const { code = "internal", text = error.message } = error;
    throw complete({ code, text });
  }
}
