/**
 * Lets a run be written as one async function: what it sends becomes the actions of the step, and the events of the
 * host are the answers that it awaits.
 *
 * Values are those of `wit/v1`: records are objects with camelCase keys, variants are `{ tag, val }`, bytes are a
 * `Uint8Array`. What is none may be left out, and so may an empty `extra`.
 */

import blob from "hangar:plugin/blob@1.0.0";
import log from "hangar:plugin/log@1.0.0";
import { runJobs, seedRandom, utf8 } from "./runtime.js";

export { blob, log, utf8 };

/** Something did not work. A run that throws one fails with its code; with any other error, as `internal`. */
export class Failure extends Error {
  /** @param {string} code open; see `values.failure` @param {string} text for a person */
  constructor(code, text) {
    super(text);
    this.code = code;
    this.text = text;
  }

  /** What was thrown, as a failure. Imports of the host throw an error with the failure as its `payload`. */
  static of(error) {
    const { code, text, message } = error?.payload ?? error ?? {};
    return new Failure(code ?? "internal", text ?? message ?? String(error));
  }
}

/** What an author's function holds of its run. */
export class Cx {
  #lastToken = 0;
  #sent = [];
  /** Events that nobody has awaited yet, with the token that they answer; 0 for those that answer nothing. */
  #arrived = [];
  /** Who awaits an event, with that token. */
  #waiting = [];
  #rest = null;
  #ended = false;

  /** Asks for something and gives the token that its answers will name. */
  send(body) {
    this.#push(++this.#lastToken, body);
    return this.#lastToken;
  }

  /** Does something that has no answer. */
  tell(body) {
    this.#push(0, body);
  }

  /** Shows something to those who watch. */
  emit(emission) {
    this.tell({ tag: "emit", val: emission });
  }

  /** The next event that answers `token`, as `{ tag, val }`. Throws a `Failure` if the action was refused. */
  async answer(token) {
    const waiting = (resolve) => this.#waiting.push({ token, resolve });
    const { body } = take(this.#arrived, token) ?? (await new Promise(waiting));
    if (body.tag === "refused") throw Failure.of(body.val);
    return body;
  }

  /** The next event that answers no action. */
  news() {
    return this.answer(0);
  }

  /** Asks for something and waits for what is in its answer. Throws a `Failure` if it was refused. */
  async ask(body) {
    return (await this.answer(this.send(body))).val;
  }

  /** Lets so many milliseconds pass. */
  async sleep(ms) {
    await this.ask({ tag: "set-timer", val: ms });
  }

  /**
   * Waits for the answer to `token`, and meanwhile lets the run be moved to another version, which goes on with
   * `resume` and this `memory`: any value that JSON can hold. Nothing else may be outstanding.
   */
  async rest(token, memory) {
    this.#rest = { token, memory };
    try {
      return await this.answer(token);
    } finally {
      this.#rest = null;
    }
  }

  /** Takes an event in. This and what follows is for `behaviour`. */
  deliver(token, body) {
    const waiting = take(this.#waiting, token);
    if (waiting) waiting.resolve({ body });
    else this.#arrived.push({ token, body });
  }

  /** Ends the run. What is sent afterwards is dropped, for nothing may follow. */
  end(body) {
    this.tell(body);
    this.#ended = true;
  }

  /** Gives what was sent. */
  takeSent() {
    if (!this.#ended && this.#waiting.length === 0) this.end(fail("The run awaits something that no event can bring"));
    return this.#sent.splice(0);
  }

  /** What `restore` needs, as an object for JSON. */
  save() {
    if (!this.#rest) throw new Failure("unsupported", "This run can only be moved while it rests");
    return { ...this.#rest, lastToken: this.#lastToken, arrived: this.#arrived };
  }

  static restore({ lastToken, arrived }) {
    const cx = new Cx();
    cx.#lastToken = lastToken;
    cx.#arrived = arrived;
    return cx;
  }

  #push(token, body) {
    if (!this.#ended) this.#sent.push(complete({ token, body }));
  }
}

/**
 * What a plugin exports: `export const { meta, runs } = behaviour({ .. })`.
 *
 * @param {object} plugin
 * @param {object} plugin.describe what `meta.describe` says
 * @param {() => void} [plugin.selfTest] throws if this version must not go live
 * @param {(cx: Cx, info: object, start: object) => Promise<object>} plugin.run
 *   the run; what it returns goes into `finish`, what it throws into `fail`
 * @param {(cx: Cx, info: object, memory: any, answer: object) => Promise<object>} [plugin.resume]
 *   what is left of the run after a `cx.rest`
 * @param {(cx: Cx, reason: string) => object} [plugin.cancelled] how to end, at once, when the host cancels
 */
export function behaviour({ describe, selfTest = () => {}, run, resume, cancelled = cutShort }) {
  class Run {
    #info;
    #cx = new Cx();

    constructor(info) {
      this.#info = info;
      seedRandom(info.seed);
    }

    step({ token, body }) {
      return answering(() => {
        if (body.tag === "start") this.#follow((cx) => run(cx, this.#info, body.val));
        else if (body.tag === "cancel") this.#follow((cx) => cancelled(cx, body.val));
        else this.#cx.deliver(token, body);
        runJobs();
        return this.#cx.takeSent();
      });
    }

    save() {
      return answering(() => utf8.encode(JSON.stringify(this.#cx.save())));
    }

    static restore(info, snapshot) {
      return answering(() => {
        if (!resume) throw new Failure("unsupported", "The runs of this plugin cannot be moved");
        const { token, memory, ...saved } = read(snapshot);
        const restored = new Run(info);
        restored.#cx = Cx.restore(saved);
        restored.#follow(async (cx) => resume(cx, info, memory, await cx.rest(token, memory)));
        return restored;
      });
    }

    /** Sets an author's function to work and sends how it ends. */
    #follow(work) {
      const cx = this.#cx;
      new Promise((resolve) => resolve(work(cx))).then(
        (finish) => cx.end({ tag: "finish", val: { text: "", results: [], state: new Uint8Array(), ...finish } }),
        (error) => cx.end(fail(error)),
      );
    }
  }

  const checked = () => answering(selfTest, (failure) => failure.text);
  return { meta: { describe: () => JSON.stringify(describe), selfTest: checked }, runs: { Run } };
}

function cutShort(_cx, reason) {
  throw new Failure("cancelled", `The run was cut short: ${reason}`);
}

function fail(error) {
  const { code, text } = Failure.of(error);
  return { tag: "fail", val: { code, text, results: [] } };
}

function read(snapshot) {
  try {
    const saved = JSON.parse(utf8.decode(snapshot));
    if (saved.token > 0 && saved.lastToken >= saved.token && Array.isArray(saved.arrived)) return saved;
  } catch {}
  throw new Failure("invalid", "This is no snapshot of this plugin");
}

/** The host understands what is thrown only in the contract's own form: an `Error` would end the instance. */
function answering(work, form = ({ code, text }) => ({ code, text })) {
  try {
    return work();
  } catch (error) {
    throw complete(form(Failure.of(error)));
  }
}

/** Adds the `extra` of each record where it is left out, and mends strings that UTF-8 cannot hold. */
function complete(value) {
  if (typeof value === "string") return value.toWellFormed();
  if (Array.isArray(value)) return value.map(complete);
  if (value === null || typeof value !== "object" || value instanceof Uint8Array) return value;
  const parts = Object.entries(value).map(([key, part]) => [key, complete(part)]);
  return { ...("tag" in value ? {} : { extra: "" }), ...Object.fromEntries(parts) };
}

/** Takes the first entry for `token` off the list. */
function take(list, token) {
  const at = list.findIndex((entry) => entry.token === token);
  return at < 0 ? undefined : list.splice(at, 1)[0];
}
