/** The exports of a handler. */

import { explain, meta, need, report } from "./author.js";
import { complete } from "./contract.js";
import { Message } from "./handler.js";

const handle = need("handle", "export function handle(message, settings) { ... }", "handler", "run");

/** Asks the author's `handle` about one message after the other. */
class Handler {
  #settings;

  constructor(settings) {
    this.#settings = JSON.parse(settings || "{}");
  }

  handle(envelopes) {
    return envelopes.map((envelope) => this.#verdict(new Message(envelope)));
  }

  #verdict(message) {
    try {
      const verdict = handle(message, this.#settings);
      if (verdict instanceof Promise) {
        throw new TypeError("`handle` is `async`, but nothing can be awaited there: leave `async` and `await` out");
      }
      if (typeof verdict?.tag !== "string") {
        throw new TypeError(`\`handle\` returned ${JSON.stringify(verdict)}, which is no verdict such as \`PASS\``);
      }
      return complete(verdict);
    } catch (error) {
      // What becomes of the messages is for the host to say. It takes what is thrown here for the reason.
      report(error);
      throw explain(error);
    }
  }
}

export { meta };
export const handlers = { Handler };
