/** The blobs that the host keeps. */

import blobs from "hangar:plugin/blob@1.0.0";
import { Refused } from "./failures.js";
import { utf8 } from "./runtime.js";

/** Pictures, files and long strings, which the host keeps. A blob is named by its id. */
export const blob = {
  info: (id) => blobs.info(id),
  read: (id, offset = 0, length = 2 ** 32 - 1) => granted(() => blobs.read(id, offset, length)),
  create: (mime, content) => granted(() => blobs.create(mime, bytes(content))),
};

/** Text may stand for its bytes. */
export function bytes(given) {
  return typeof given === "string" ? utf8.encode(given) : given;
}

/** Imports of the host throw an error with the failure as its `payload`. */
function granted(work) {
  try {
    return work();
  } catch (error) {
    if (error?.payload === undefined) throw error;
    throw new Refused(error.payload.code, error.payload.text);
  }
}
