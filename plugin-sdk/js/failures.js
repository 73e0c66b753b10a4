/** What can go wrong in a plugin, as errors. One that nobody catches ends the run with its code and text. */

/** The run did not do what was asked: `throw new Fail("not-found", "There is no such file")`. */
export class Fail extends Error {
  constructor(code, text, results = []) {
    super(text);
    this.code = code;
    this.text = text;
    this.results = results;
  }

  get name() {
    return this.constructor.name;
  }

  /** How a run ends that does not catch it. */
  asFail() {
    return this;
  }
}

/** The host did not do what it was asked for; `code` and `text` say why. */
export class Refused extends Fail {}

/** The model gave no full answer. */
export class ModelFailed extends Fail {
  constructor(code, text, partial = "", retryAfterMs = undefined) {
    super(code, text);
    this.partial = partial;
    this.retryAfterMs = retryAfterMs;
  }

  asFail() {
    const codes = { cancelled: "cancelled", budget: "limit", "rate-limited": "limit" };
    return new Fail(codes[this.code] ?? "unreachable", `The model gave no answer (${this.code}): ${this.text}`);
  }
}

/** What `cx.timeout` waited for did not come in time. */
export class TimedOut extends Fail {
  constructor(ms) {
    super("timed-out", `There was no answer within ${ms} ms`);
  }
}

/** The run is to end. Every wait throws it from then on. */
export class Cancelled extends Fail {
  constructor(reason) {
    super("cancelled", `The run was cancelled: ${reason}`);
    this.reason = reason;
  }
}
