/** What a plugin imports: `import { call, message } from "hangar"`. `hangar.d.ts` tells what each thing is. */

export {
  DELEGATES, HOST, agent, anyDevice, call, choice, concat, confirm, crop, device, extension, file, history, image, mark,
  message, planStep, question, resize, toolSet,
} from "./builders.js";
export { Cancelled, Fail, ModelFailed, Refused, TimedOut } from "./failures.js";
export {
  BROADCAST, PASS, deny, directory, hold, reject, replace, reply, route, startSession,
} from "./handler.js";
export { blob } from "./host.js";
export { log, utf8 } from "./runtime.js";
