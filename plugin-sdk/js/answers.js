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

/** How what an event brings becomes what the run gets, by the kind of wait. */
export const read = {
  tools: itself,
  results: (given) => given.map((each) => new Result(each)),
  result: ([given]) => new Result(given),
  model,
  reply,
  confirmed: ({ answers }) => answers.some(({ value }) => value === "yes"),
  ended,
  timer: () => undefined,
  image: itself,
  stored: ({ value }) => value,
  extension: itself,
};
