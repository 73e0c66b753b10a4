/** The form in which values are handed to the host. What has a wrong type would be a crash there, without a line. */

const words = (text) => text.split(" ");

/** Types by the names of fields and cases, which mean the same everywhere in the contract. */
const types = [
  {
    what: "a string",
    fits: (value) => typeof value === "string",
    names: words(
      "agent behaviour blob body callId code colour description engine executor format id key kind label level " +
        "messageId model name parameters plan-finish platform process reason receiver replace reply role root schema " +
        "show side source status store-get summary text thinking title tool toolChoice toolType",
    ),
    optional: words("value defaultValue"),
    lists: words("labels options results route stop"),
  },
  {
    what: "a whole number below 2^31",
    fits: (value) => Number.isInteger(value) && value >= -(2 ** 31) && value < 2 ** 31,
    names: words("agentStep firstTurn height set-timer width x y"),
    optional: words("endTurn maxImages maxOutputTokens timeoutMs"),
    lists: [],
  },
  { what: "a number", fits: Number.isFinite, names: [], optional: words("temperature topP"), lists: [] },
  {
    what: "what its function in hangar.js gives",
    fits: (value) => typeof value === "object" && value !== null,
    names: words("rect responseFormat scope target"),
    optional: [],
    lists: words("calls call-tools content deny edits messages parts plan-start plan-update questions request tools"),
  },
];

function check(value, name) {
  for (const { what, fits, names, optional, lists } of types) {
    if (names.includes(name) && !fits(value)) throw wrong(name, what, value);
    if (optional.includes(name) && value != null && !fits(value)) throw wrong(name, what, value);
    if (!lists.includes(name)) continue;
    if (!Array.isArray(value)) throw wrong(name, "a list", value);
    for (const each of value) if (!fits(each)) throw wrong(`what is in ${name}`, what, each);
  }
}

function wrong(name, what, value) {
  return new TypeError(`${name} must be ${what}, not ${JSON.stringify(value)}`);
}

/** Adds the `extra` of each record, mends strings that UTF-8 cannot hold, and throws where a type is wrong. */
export function complete(value) {
  if (typeof value === "string") return value.toWellFormed();
  if (Array.isArray(value)) return value.map(complete);
  if (value === null || typeof value !== "object" || value instanceof Uint8Array) return value;
  if ("tag" in value) {
    if ("val" in value) check(value.val, value.tag);
    return { ...value, val: complete(value.val) };
  }
  for (const [name, part] of Object.entries(value)) check(part, name);
  return { extra: "", ...Object.fromEntries(Object.entries(value).map(([name, part]) => [name, complete(part)])) };
}
