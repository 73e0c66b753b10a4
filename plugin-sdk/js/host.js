/** The blobs that the host keeps. */

import blobs from "hangar:plugin/blob@1.0.0";
import { check, wrong } from "./contract.js";
import { Refused } from "./failures.js";
import { utf8 } from "./runtime.js";

/** Pictures, files and long strings, which the host keeps. A blob is named by its id. */
export const blob = {
  info(id) {
    check(id, "id");
    return blobs.info(id);
  },
  read(id, offset = 0, length = 2 ** 31 - 1) {
    check(id, "id");
    check(offset, "offset");
    check(length, "length");
    return granted(() => blobs.read(id, offset, length));
  },
  create(mime, content) {
    check(mime, "mime");
    const given = bytes(content, "content");
    return granted(() => blobs.create(mime, given));
  },
};

/** Text may stand for its bytes. */
export function bytes(given, name) {
  if (typeof given === "string") return utf8.encode(given);
  if (given instanceof Uint8Array) return given;
  throw wrong(name, "a string or a Uint8Array", given);
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
