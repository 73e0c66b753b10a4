/** The form in which values are handed to the host. What has a wrong type would be a crash there, without a line. */

const words = (text) => text.split(" ");

/** Types by the names of fields and cases, which mean the same everywhere in the contract. */
const types = [
  {
    what: "a string",
    fits: (value) => typeof value === "string",
    names: words(
      "agent behaviour blob body callId code colour description engine executor format id key kind label level " +
        "messageId mime model name parameters plan-finish platform policy process reason receiver replace reply role " +
        "root schema show side source status store-get summary text thinking title tool toolChoice toolType",
    ),
    optional: words("value defaultValue"),
    lists: words("capabilities exclude labels options results route stop"),
  },
  {
    what: "a whole number from 0 to 2^31 - 1",
    fits: (value) => Number.isInteger(value) && value >= 0 && value < 2 ** 31,
    names: words("agentStep firstTurn height length offset set-timer width"),
    optional: words("endTurn maxImages maxOutputTokens timeoutMs"),
    lists: [],
  },
  {
    what: "a whole number from -2^31 to 2^31 - 1",
    fits: (value) => Number.isInteger(value) && value >= -(2 ** 31) && value < 2 ** 31,
    names: words("x y"),
    optional: [],
    lists: [],
  },
  {
    what: "true or false",
    fits: (value) => typeof value === "boolean",
    names: words("done failed"),
    optional: [],
    lists: [],
  },
  { what: "a number", fits: Number.isFinite, names: [], optional: words("temperature topP"), lists: [] },
  {
    what: "what its function in \"hangar\" gives",
    fits: (value) => typeof value === "object" && value !== null,
    names: words("rect toolSet"),
    optional: [],
    lists: words("calls call-tools deny plan-start plan-update questions tools"),
  },
  {
    what: "what its function in \"hangar\" gives",
    fits: (value) => typeof value?.tag === "string",
    names: words("responseFormat scope target"),
    optional: [],
    lists: words("content edits messages parts request"),
  },
];

/** Throws where what goes by this name in the contract has a wrong type. */
export function check(value, name) {
  for (const { what, fits, names, optional, lists } of types) {
    if (names.includes(name) && !fits(value)) throw wrong(name, what, value);
    if (optional.includes(name) && value != null && !fits(value)) throw wrong(name, what, value);
    if (!lists.includes(name)) continue;
    if (!Array.isArray(value)) throw noList(name, value);
    for (const each of value) if (!fits(each)) throw wrong(`what is in ${name}`, what, each);
  }
}

export function wrong(name, what, value) {
  return new TypeError(`${name} must be ${what}, not ${JSON.stringify(value)}`);
}

const noList = (name, value) => wrong(name, `a list, such as ${JSON.stringify([value])}`, value);

/** What is no list is left to be found by `check`. */
export const each = (given, work) => (Array.isArray(given) ? given.map(work) : given);

/** The options, and the defaults of those that are not given. */
export function options(given, defaults) {
  if (typeof given !== "object") throw wrong("What stands for options", "an object, such as { name: value }", given);
  const known = Object.keys(defaults);
  const unknown = Object.keys(given ?? {}).find((name) => !known.includes(name));
  if (unknown !== undefined) throw new TypeError(`There is no option \`${unknown}\`, only ${known.join(", ")}`);
  return Object.fromEntries(known.map((name) => [name, given?.[name] ?? defaults[name]]));
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
