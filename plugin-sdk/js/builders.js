/** What a run asks for, in words: calls, messages, questions, targets, changes of pictures. */

import { ModelAnswer } from "./answers.js";
import { check, each, options } from "./contract.js";

const variant = (tag) => (val) => ({ tag, val });
const list = (given) => (Array.isArray(given) ? given : [given]);

export const json = (value) => JSON.stringify(value) ?? "null";

// Parts

export const image = (blob, description = "") => ({ tag: "image", val: { blob, description } });
export const file = (blob, name) => ({ tag: "file", val: { blob, name } });
export const extension = (kind, body) => ({ tag: "extension", val: { kind, body: json(body) } });

/** Plain text may stand for a part, and one part for a list. */
export const asParts = (given) => list(given).map((part) => (typeof part === "string" ? variant("text")(part) : part));

// Calls

export function call(tool, parameters = {}, more = {}) {
  const { id, timeoutMs, toolType } = options(more, { id: "", timeoutMs: undefined, toolType: "action" });
  return { callId: id, tool, toolType, parameters: json(parameters), timeoutMs };
}

/** Adds the id where there is none. What a model wants called may stand for a call. */
export function asCall({ callId, tool, toolType = "action", parameters, timeoutMs }, newId) {
  return { callId: callId || newId(), tool, toolType, parameters, timeoutMs };
}

export const toolSet = (agent, process = "", root = "") => ({ agent, process, root });

/** The name of an agent may stand for all of its tools. */
export const asToolSet = (given) => (typeof given === "string" ? toolSet(given) : given);

export const HOST = { tag: "host" };
export const DELEGATES = { tag: "delegates" };

/** A tool set of the device may stand for its scope. */
export const asScope = (given) => (given.tag ? given : { tag: "device", val: asToolSet(given) });

// Messages

const said = (role, parts) => ({ tag: "message", val: { role, parts: asParts(parts) } });

export const message = {
  system: (...parts) => said("system", parts),
  user: (...parts) => said("user", parts),
  assistant: (...parts) => said("assistant", parts.flatMap(spoken)),
  tool(call, result, failed = false) {
    const text = typeof result === "string" ? result : result.ok ? result.payload : result.error || result.payload;
    const val = {
      callId: call.callId,
      tool: call.tool,
      content: [{ tag: "text", val: text }],
      failed: failed || result.ok === false,
    };
    return said("tool", [{ tag: "tool-result", val }]);
  },
};

const spoken = (part) =>
  part instanceof ModelAnswer ? [part.content, ...part.toolCalls.map(variant("tool-call"))] : [part];

export function history(range = {}) {
  return { tag: "history", val: options(range, { firstTurn: 0, endTurn: undefined, maxImages: undefined }) };
}

/** Plain text is what the user says. */
export const asInputs = (given) => list(given).map((each) => (typeof each === "string" ? message.user(each) : each));

/** `text`, `json`, or a JSON Schema. */
export function asFormat(given) {
  if (typeof given === "object") return { tag: "schema", val: json(given) };
  if (given === "text" || given === "json") return { tag: given };
  throw new TypeError(`responseFormat must be "text", "json" or a JSON Schema, not ${json(given)}`);
}

// Questions

const asked = (kind) => (id, text, more = {}) => {
  return { id, text, kind, options: [], defaultValue: options(more, { default: undefined }).default };
};

export const question = asked("text");
export const confirm = asked("confirm");
export const choice = (id, text, among, more) => ({ ...asked("choice")(id, text, more), options: among });
export const asQuestions = list;

// Targets

const named = (tag) => (id) => {
  check(id, "id");
  return { tag, val: id };
};

export const device = named("device");
export const agent = named("agent");
export const anyDevice = (wanted = {}) => ({ tag: "any", val: options(wanted, { platform: "", labels: [] }) });

// Changes of pictures

export const crop = (x, y, width, height) => ({ tag: "crop", val: { x, y, width, height } });
export const resize = (width, height) => ({ tag: "resize", val: { width, height } });
export const concat = (blob, side = "right") => ({ tag: "concat", val: { blob, side } });
export function mark(x, y, width, height, more = {}) {
  return { tag: "mark", val: { rect: { x, y, width, height }, ...options(more, { label: "", colour: "" }) } };
}

// Plans

export const planStep = (text, done = false) => ({ text, done });
const asStep = (step) => (typeof step === "string" ? planStep(step) : planStep(step.text, step.done));
export const asPlan = (steps) => each(steps, asStep);
