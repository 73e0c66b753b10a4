/// <reference path="sdk/hangar.d.ts" />
/** Greets, and says what machine it is on. */

import { Fail, call } from "hangar";

/** @param {import("hangar").Cx} cx */
export async function run(cx) {
  // What is shown needs no answer; what has an answer is awaited.
  cx.status(`${cx.settings.greeting}, ${cx.info.executor}!`);

  const result = await cx.command("LinuxAgent", call("execute_command", { command: "uname -a" }));
  if (!result.ok) throw new Fail("internal", result.error);
  return result.data.stdout.trim();
}
