/** What a handler is given, and what it may say about it. */

import clients from "hangar:plugin/directory@1.0.0";
import { json } from "./builders.js";
import { check, complete, options, wrong } from "./contract.js";

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
export function route(ids) {
  const val = typeof ids === "string" ? ids : [...ids];
  check(val, "route");
  return { tag: "route", val };
}
export function hold(more = {}) {
  return { tag: "hold", val: complete(options(more, { receiver: "", timeoutMs: undefined })) };
}
export const startSession = (behaviour, executor = "") => ({ tag: "start-session", val: { behaviour, executor } });
export function deny(reasons) {
  if (typeof reasons !== "object" || Array.isArray(reasons)) throw wrong("deny", "an object: { c1: \"why\" }", reasons);
  return { tag: "deny", val: Object.entries(reasons).map(([callId, reason]) => ({ callId, reason })) };
}

const anyone = { kind: "", platform: "", capabilities: [], labels: [] };

/** Who is there, as far as the messages of this call may reach. */
export const directory = {
  version: () => clients.version(),
  get(id) {
    check(id, "id");
    return clients.get(id);
  },
  find(wanted = {}) {
    const filter = complete(options(wanted, anyone));
    const found = [];
    for (let cursor; ; ) {
      const { entries, next } = clients.page(filter, cursor, 100);
      found.push(...entries);
      if (next == null) return found;
      cursor = next;
    }
  },
  pick(policy = "random", wanted = {}) {
    check(policy, "policy");
    const { exclude, ...filter } = complete(options(wanted, { ...anyone, exclude: [] }));
    return clients.pick(policy, filter, exclude);
  },
};
