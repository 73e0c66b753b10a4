/** What a handler is given, and what it may say about it. */

import clients from "hangar:plugin/directory@1.0.0";
import { json } from "./builders.js";

/** A message on its way. */
export class Message {
  #body;

  constructor({ body, extra, ...envelope }) {
    Object.assign(this, envelope, { timeMs: Number(envelope.timeMs), json: body });
  }

  /** The message, parsed. */
  get body() {
    this.#body ??= JSON.parse(this.json);
    return this.#body;
  }
}

export const PASS = { tag: "pass" };
export const BROADCAST = { tag: "broadcast" };
export const replace = (body) => ({ tag: "replace", val: json(body) });
export const reply = (body) => ({ tag: "reply", val: json(body) });
export const reject = (code, text) => ({ tag: "reject", val: { code, text } });
export const route = (ids) => ({ tag: "route", val: [...ids] });
export const hold = ({ receiver = "", timeoutMs } = {}) => ({ tag: "hold", val: { receiver, timeoutMs } });
export const startSession = (behaviour, executor = "") => ({ tag: "start-session", val: { behaviour, executor } });
export function deny(reasons) {
  return { tag: "deny", val: Object.entries(reasons).map(([callId, reason]) => ({ callId, reason })) };
}

const filter = ({ kind = "", platform = "", capabilities = [], labels = [] } = {}) => {
  return { kind, platform, capabilities, labels, extra: "" };
};

/** Who is there, as far as the messages of this call may reach. */
export const directory = {
  version: () => clients.version(),
  get: (id) => clients.get(id),
  find(wanted) {
    const found = [];
    for (let cursor; ; ) {
      const { entries, next } = clients.page(filter(wanted), cursor, 100);
      found.push(...entries);
      if (next == null) return found;
      cursor = next;
    }
  },
  pick: (policy = "random", { exclude = [], ...wanted } = {}) => clients.pick(policy, filter(wanted), exclude),
};
