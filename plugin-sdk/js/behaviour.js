/** What a behaviour holds of its run: `cx`. What its functions mean is told in `hangar.d.ts`. */

import { read } from "./answers.js";
import {
  asCall, asFormat, asInputs, asParts, asPlan, asQuestions, asScope, asToolSet, confirm, json,
} from "./builders.js";
import { complete, each, options } from "./contract.js";
import { Cancelled, Fail, Refused, TimedOut } from "./failures.js";
import { bytes } from "./host.js";
import { Watch } from "./promises.js";
import { log } from "./runtime.js";

/** So many news are kept that nobody has waited for, the newest ones. */
const NEWS = 64;

/** So often a cancelled run may wait again before it is ended. */
const CANCELLED_WAITS = 100;

/** The options of `cx.model` and of what shows an answer. */
const MODEL = {
  model: "",
  tools: [],
  toolChoice: "",
  engine: "",
  responseFormat: "text",
  temperature: undefined,
  topP: undefined,
  stop: [],
  maxOutputTokens: undefined,
  show: "text",
};
const ANSWER = { title: "", format: "", messageId: "" };

/** Tells snapshots from those of other languages. */
export const FORM = "hangar.js 1";

/** A run: what it is asked for, what it can wait for, and what it can show. */
export class Cx {
  /** What the run began with; undefined in `resume`. */
  start = undefined;
  nowMs = 0;
  log = log;
  /** Why the run is to end, once it is. */
  cancelled = undefined;

  /** The last numbers given to actions, calls and agent steps. */
  #counts = { token: 0, call: 0, progress: 0 };
  #sent = [];
  /** Who waits for an answer, by the token of the action. */
  #waiting = new Map();
  /** Who waits for an event that answers no action, and such events that nobody has waited for. */
  #listening = [];
  #news = [];
  /** The same, by the promises that were given for it. */
  #waits = new WeakMap();
  #watch = new Watch();
  #rest = undefined;
  #cancelledWaits = 0;
  #over = false;

  constructor(info) {
    this.info = info;
    this.settings = JSON.parse(info.settings || "{}");
  }

  get request() {
    return (this.start?.input ?? []).flatMap(({ tag, val }) => (tag === "text" ? [val] : [])).join("");
  }

  // What can be waited for.

  command(agent, call) {
    return this.#ask("command", this.#commands(agent, [call]));
  }

  commands(agent, ...calls) {
    return this.#ask("commands", this.#commands(agent, calls));
  }

  tools(scope, toolType = "") {
    return this.#ask("tools", { tag: "list-tools", val: { scope: asScope(scope), toolType } });
  }

  callTools(...calls) {
    return this.#ask("callTools", { tag: "call-tools", val: this.#calls(calls) });
  }

  model(messages, more = {}) {
    const { responseFormat, ...manner } = options(more, MODEL);
    const request = { ...manner, messages: asInputs(messages), responseFormat: asFormat(responseFormat) };
    return this.#ask("model", { tag: "ask-model", val: request });
  }

  ask(questions, more = {}) {
    const { timeoutMs } = options(more, { timeoutMs: undefined });
    return this.#ask("ask", { tag: "ask-user", val: { questions: asQuestions(questions), timeoutMs } });
  }

  confirm(text, more = {}) {
    const { timeoutMs, ...rest } = options(more, { default: undefined, timeoutMs: undefined });
    const questions = [confirm("confirm", text, rest)];
    return this.#ask("confirm", { tag: "ask-user", val: { questions, timeoutMs } });
  }

  sleep(ms) {
    return this.#ask("sleep", { tag: "set-timer", val: ms });
  }

  delegate(target, request, more = {}) {
    const defaults = { behaviour: "", timeoutMs: undefined, onUpdate: undefined };
    const { onUpdate, ...manner } = options(more, defaults);
    const val = { target, request: asParts(request), ...manner };
    return this.#ask("delegate", { tag: "delegate", val }, onUpdate);
  }

  editImage(source, ...edits) {
    return this.#ask("editImage", { tag: "edit-image", val: { source, edits } });
  }

  storeGet(key) {
    return this.#ask("storeGet", { tag: "store-get", val: key });
  }

  storePut(key, value) {
    return this.#ask("storePut", { tag: "store-put", val: { key, value } });
  }

  extension(kind, body) {
    return this.#ask("extension", { tag: "extension", val: { kind, body: json(body) } });
  }

  news() {
    return this.#wait("news", 0);
  }

  timeout(ms, promise) {
    return this.#watch.over(this.#timeout(ms, promise), "timeout");
  }

  rest(promise, keep = null) {
    return this.#watch.over(this.#resting(promise, keep), "rest");
  }

  /** Of promises that `cx` has not given nothing can be given up: they are merely awaited no longer. */
  async #timeout(ms, promise) {
    const timer = this.sleep(ms);
    const late = new TimedOut(ms);
    const alarm = timer.then(() => {
      this.#giveUp(promise, late);
      throw late;
    });
    try {
      return await Promise.race([promise, alarm]);
    } finally {
      this.#giveUp(timer, late);
    }
  }

  async #resting(promise, keep) {
    const wait = this.#waits.get(promise);
    if (!wait) throw new TypeError("`cx.rest` takes a single wait that `cx` has given, such as `cx.sleep(ms)`");
    this.#rest = { kind: wait.kind, token: wait.token, keep };
    try {
      return await promise;
    } finally {
      this.#rest = undefined;
    }
  }

  // What can be shown; it has no answer.

  status(text) {
    this.emit({ tag: "status", val: text });
  }

  thinking(text) {
    this.emit({ tag: "thinking", val: text });
  }

  planStart(steps) {
    this.emit({ tag: "plan-start", val: asPlan(steps) });
  }

  planUpdate(steps) {
    this.emit({ tag: "plan-update", val: asPlan(steps) });
  }

  planFinish(text) {
    this.emit({ tag: "plan-finish", val: text });
  }

  answer(text, more = {}) {
    this.emit({ tag: "final-answer", val: { text, ...options(more, ANSWER) } });
  }

  answerDelta(text, more = {}) {
    this.emit({ tag: "final-answer-delta", val: { text, ...options(more, ANSWER) } });
  }

  environmentInput(parts, more = {}) {
    const about = options(more, { description: "", kind: "text" });
    this.emit({ tag: "environment-input", val: { parts: asParts(parts), ...about } });
  }

  notice(text, level = "info") {
    this.emit({ tag: "system", val: { level, text } });
  }

  raw(kind, body) {
    this.emit({ tag: "raw", val: { kind, body: json(body) } });
  }

  progress(summary, results = []) {
    const agentStep = ++this.#counts.progress;
    this.#tell({ tag: "progress", val: { agentStep, summary, results: each(results, json) } });
  }

  emit(emission) {
    this.#tell({ tag: "emit", val: emission });
  }

  // For `runs.js`.

  /** Takes an event to whoever waits for it. Nobody does when it was given up. */
  deliver(token, { tag, val }) {
    if (token === 0) {
      const wait = this.#listening.shift();
      if (wait) wait.resolve(val);
      else this.#news = [...this.#news, val].slice(-NEWS);
      return;
    }
    const wait = this.#waiting.get(token);
    if (!wait) return;
    if (tag === "child-update") {
      wait.onUpdate?.(val);
      return;
    }
    this.#waiting.delete(token);
    try {
      if (tag === "refused") throw new Refused(val.code, val.text);
      wait.resolve(read[wait.kind](val));
    } catch (error) {
      wait.reject(error);
    }
  }

  /** Lets everything fail that is waited for, now and from now on. */
  cancel(reason) {
    this.cancelled = reason;
    for (const wait of [...this.#waiting.values(), ...this.#listening]) wait.reject(new Cancelled(reason));
    this.#waiting.clear();
    this.#listening = [];
  }

  /** Throws if the `await` before one of the waits was forgotten. Once the run is to end, none is needed. */
  checkAwaited() {
    if (this.cancelled === undefined) this.#watch.end();
  }

  /** Ends the run, and with it what was given up last. What is sent afterwards is dropped, for nothing may follow. */
  end(outcome) {
    while (this.#sent.at(-1)?.body.tag === "cancel-action") this.#sent.pop();
    this.#tell(ending(outcome));
    this.#over = true;
  }

  /** Gives what was sent. */
  takeSent() {
    if (!this.#over && this.#waiting.size + this.#listening.length === 0) {
      const why = "The run awaits a promise that nothing can fulfil: only what `cx` gives has answers";
      this.end(new Fail("internal", why));
    }
    return this.#sent.splice(0);
  }

  /** What `restore` needs, as a value for JSON. */
  save() {
    if (this.#over || this.#news.length > 0 || !this.#rest) {
      throw new Fail("unsupported", "The run can only be moved while it rests: see `cx.rest`");
    }
    return { form: FORM, ...this.#rest, counts: this.#counts };
  }

  /** Goes on resting as a saved run did. */
  again({ kind, token, keep, counts }) {
    this.#counts = counts;
    return this.rest(this.#wait(kind, token), keep);
  }

  #ask(kind, body, onUpdate) {
    const token = ++this.#counts.token;
    if (this.cancelled === undefined) this.#send(token, body); // From then on it would only be refused.
    return this.#wait(kind, token, onUpdate);
  }

  /** The promise of an answer; of news for the token 0. */
  #wait(kind, token, onUpdate) {
    const wait = { kind, token, onUpdate };
    const promise = new Promise((resolve, reject) => Object.assign(wait, { resolve, reject }));
    this.#waits.set(promise, wait);
    if (this.cancelled !== undefined) this.#refuse(wait);
    else if (token > 0) this.#waiting.set(token, wait);
    else if (this.#news.length > 0) wait.resolve(this.#news.shift());
    else this.#listening.push(wait);
    return this.#watch.over(promise, kind);
  }

  #refuse(wait) {
    const cancelled = new Cancelled(this.cancelled);
    if (++this.#cancelledWaits <= CANCELLED_WAITS) wait.reject(cancelled);
    else this.end(cancelled);
  }

  #giveUp(promise, why) {
    const wait = this.#waits.get(promise);
    if (!wait) return;
    if (this.#waiting.delete(wait.token)) this.#tell({ tag: "cancel-action", val: wait.token });
    this.#listening = this.#listening.filter((other) => other !== wait);
    wait.reject(why);
  }

  #tell(body) {
    this.#send(0, body);
  }

  #send(token, body) {
    if (!this.#over) this.#sent.push({ token, body: complete(body), extra: "" });
  }

  #commands(agent, calls) {
    return { tag: "run-commands", val: { toolSet: asToolSet(agent), calls: this.#calls(calls) } };
  }

  #calls(calls) {
    return calls.map((each) => asCall(each, () => `c${++this.#counts.call}`));
  }
}

/** A failure, or what `run` returned. */
function ending(outcome) {
  if (outcome instanceof Fail) {
    const { code, text, results } = outcome.asFail();
    return { tag: "fail", val: { code, text, results: each(results, json) } };
  }
  const { text = "", results = [], state = "" } = typeof outcome === "string" ? { text: outcome } : outcome;
  return { tag: "finish", val: { text, results: each(results, json), state: bytes(state, "state") } };
}
