/** What the host answers, in the form that a run gets it. */

import { ModelFailed } from "./failures.js";

/** What one call gave. */
class Result {
  constructor(given) {
    Object.assign(this, given);
  }

  /** Whether it did what it was called for. */
  get ok() {
    return this.status === "success";
  }

  /** What the tool returned, parsed. */
  get data() {
    return JSON.parse(this.payload || "null");
  }
}

/** What a model said. */
export class ModelAnswer {
  constructor(given) {
    Object.assign(this, given);
  }

  /** What it said, parsed as JSON. */
  get data() {
    return JSON.parse(this.content);
  }
}

function model({ tag, val }) {
  if (tag === "answer") return new ModelAnswer(val);
  if (tag === "error") throw new ModelFailed(val.code, val.text, val.partial, val.retryAfterMs);
  throw new ModelFailed("unreachable", `The model ended in a way that is not known here: ${val.kind}`);
}

function reply({ outcome, answers }) {
  return { outcome, answers: Object.fromEntries(answers.map(({ id, value }) => [id, value])) };
}

function ended({ child, status, text, results, error }) {
  const ok = status === "completed";
  return { status, ok, text, results: results.map((each) => JSON.parse(each)), error: error?.text ?? "", child };
}

const itself = (given) => given;
const results = (given) => given.map((each) => new Result(each));
const stored = ({ value }) => value;

/** How what an event brings becomes what the run gets, by the function of `cx` that asks for it. */
export const read = {
  command: ([given]) => new Result(given),
  commands: results,
  tools: itself,
  callTools: results,
  model,
  ask: reply,
  confirm: ({ answers }) => answers.some(({ value }) => value === "yes"),
  sleep: () => undefined,
  delegate: ended,
  editImage: itself,
  storeGet: stored,
  storePut: stored,
  extension: itself,
};
