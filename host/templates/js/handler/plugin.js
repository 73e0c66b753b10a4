/// <reference path="sdk/hangar.d.ts" />
/** Rejects tasks with certain words in them. */

import { PASS, reject } from "hangar";

/** @param {import("hangar").Message} message */
export function handle(message, settings) {
  const text = JSON.stringify(message.body).toLowerCase();
  const word = settings.words.find((word) => text.includes(word.toLowerCase()));
  return word === undefined ? PASS : reject("denied", `A task must not contain \`${word}\``);
}
