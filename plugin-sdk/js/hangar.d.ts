/** What a plugin in JavaScript imports from "hangar", for editors. */

declare module "hangar" {
  // Behaviours: `export async function run(cx) { ... }`

  /** What `run` returns: the answer in words, or with results for programs and a state for the session's next run. */
  export type Outcome = string | { text: string; results?: unknown[]; state?: string | Uint8Array };

  /**
   * A run: what it is asked for, what it can wait for, and what it can show. If the host does not do what it is asked
   * for, the promise rejects with `Refused`; once the run is to end, every promise rejects with `Cancelled`.
   *
   * Every promise is to be awaited before `run` returns: one that is not fails the run, for mostly the `await` was
   * forgotten. Where nobody needs the answer, say so with `.catch(() => {})`.
   */
  export interface Cx {
    /** The text of what is asked for. */
    readonly request: string;
    /** What the run began with; undefined in `resume`. */
    readonly start?: Start;
    /** The run's surroundings. */
    readonly info: RunInfo;
    /** The plugin's settings, checked against plugin.toml, defaults filled in. */
    readonly settings: Record<string, any>;
    /** The time, in milliseconds since 1970. It stands still until the next answer. */
    readonly nowMs: number;
    /** Why the run is to end, once it is. */
    readonly cancelled?: string;
    readonly log: typeof log;

    /** Runs one command on the device: `await cx.command("LinuxAgent", call("execute_command", { ... }))`. */
    command(agent: string | ToolSet, call: Call | ToolCall): Promise<Result>;
    /** Runs commands on the device, in order. After a failure the rest is skipped. */
    commands(agent: string | ToolSet, ...calls: (Call | ToolCall)[]): Promise<Result[]>;
    /** Which tools an agent of the device has, the `HOST`, or whom `delegate` can reach (`DELEGATES`). */
    tools(scope: string | ToolSet | Scope, toolType?: string): Promise<Tool[]>;
    /** Calls tools of the host and its MCP servers, possibly at the same time. */
    callTools(...calls: (Call | ToolCall)[]): Promise<Result[]>;
    /** Asks a model. Rejects with `ModelFailed` if it gives no full answer. */
    model(messages: string | Input | (string | Input)[], options?: ModelOptions): Promise<ModelAnswer>;
    /** Asks the user; the questions are `question(...)`, `confirm(...)` and `choice(...)`. */
    ask(questions: Question | Question[], options?: { timeoutMs?: number }): Promise<Reply>;
    /** Asks the user for a yes. Who does not answer has not said it, unless `default` is "yes". */
    confirm(text: string, options?: { default?: "yes" | "no"; timeoutMs?: number }): Promise<boolean>;
    /** Lets time pass. */
    sleep(ms: number): Promise<void>;
    /** Lets a `device(...)`, an `agent(...)` or `anyDevice(...)` do something; `onUpdate` hears of its progress. */
    delegate(target: Target, request: string | Part | (string | Part)[], options?: DelegateOptions): Promise<Ended>;
    /** Changes a picture with `crop(...)`, `resize(...)`, `concat(...)` and `mark(...)`. */
    editImage(source: string, ...edits: ImageEdit[]): Promise<{ blob: string; width: number; height: number }>;
    /** Reads from the plugin's own store. */
    storeGet(key: string): Promise<string | null>;
    /** Writes to the plugin's own store, which all its runs share; null removes the key. Gives what is there now. */
    storePut(key: string, value: string | null): Promise<string | null>;
    /** Asks for something that this version of the contract has no action for. */
    extension(kind: string, body: unknown): Promise<Named>;
    /** Waits for something that the host says by itself: only what `export const extensions = [...]` lists. */
    news(): Promise<Named>;
    /**
     * Waits so long at most, then rejects with `TimedOut`. What `cx` itself has given is given up then; other promises,
     * such as those of `Promise.all`, are merely awaited no longer.
     */
    timeout<T>(ms: number, promise: Promise<T>): Promise<T>;
    /**
     * Waits for this one thing, and meanwhile lets the run be moved to a new version of the plugin. It goes on there
     * with `export async function resume(cx, kept, rest)`, where `await rest` gives the answer; `export const snapshot`
     * has to be a number, too. `keep` must be what JSON can hold; all else is forgotten by the move.
     */
    rest<T>(promise: Promise<T>, keep?: unknown): Promise<T>;

    /** What the run is doing, in a few words. */
    status(text: string): void;
    /** A thought. */
    thinking(text: string): void;
    /** A plan begins: all its steps. */
    planStart(steps: (string | PlanStep)[]): void;
    /** The plan changed, or a step of it is done: all its steps. */
    planUpdate(steps: (string | PlanStep)[]): void;
    /** The plan is done: a summary. */
    planFinish(text: string): void;
    /** The answer, whole. Without one, the text that `run` returns is shown as the answer. */
    answer(text: string, options?: AnswerOptions): void;
    /** The next piece of an answer. The whole has to follow. */
    answerDelta(text: string, options?: AnswerOptions): void;
    /** What the run saw; `kind` is "screenshot", "text" or "codebase". */
    environmentInput(parts: string | Part | (string | Part)[], options?: { description?: string; kind?: string }): void;
    /** A notice; `level` is "info", "warning" or "error". */
    notice(text: string, level?: string): void;
    /** An event of the plugin's own, for its own watchers. */
    raw(kind: string, body: unknown): void;
    /** One more agent step is done. The results so far are kept if the run does not get further. */
    progress(summary: string, results?: unknown[]): void;
    /** Shows something in the contract's own form. */
    emit(emission: { tag: string; val: unknown }): void;
  }

  export interface Start {
    turn: number;
    input: Part[];
    environment: Part[];
    history: { turns: number; tokens: number };
    /** What the session's former run returned as its `state`. */
    state: Uint8Array;
  }

  export interface RunInfo {
    runId: string;
    sessionId: string;
    taskName: string;
    executor: string;
    platform: string;
    /** JSON: what the device said of itself. */
    systemInfo: string;
    requesterKind: string;
    parent: string;
    settings: string;
    seed: string;
    utcOffsetMinutes: number;
    workspaceName: string;
    models: { name: string; role: string; vision: boolean; tools: boolean }[];
    budgets: Record<"agentSteps" | "machineSteps" | "commands" | "modelCalls" | "tokens" | "timeMs", number | null>;
  }

  export interface Result {
    callId: string;
    /** "success", "failure", "skipped" (a call before it failed) or "none". */
    status: string;
    /** Whether it did what it was called for. */
    readonly ok: boolean;
    /** What the tool returned, parsed. */
    readonly data: any;
    /** What the tool returned: JSON text. */
    payload: string;
    /** Why it failed. */
    error: string;
    /** The blobs that `payload` names. */
    blobs: string[];
  }

  export interface ModelAnswer {
    /** What it said, without reasoning and tool calls. */
    content: string;
    /** What it said, parsed as JSON. */
    readonly data: any;
    /** What it wants called: `cx.callTools(...answer.toolCalls)`, or `cx.commands(...)` likewise. */
    toolCalls: ToolCall[];
    raw: string;
    reasoning: string;
    blobs: string[];
    /** "stop", "tool_calls", "length" or "content_filter". */
    finishReason: string;
    model: string;
    usage: { inputTokens: number; cachedTokens: number; outputTokens: number };
    messageId: string;
    firstTokenMs: number;
    totalMs: number;
  }

  export interface ModelOptions {
    /** A name or a role from `cx.info.models`; the default one if left out. */
    model?: string;
    tools?: Tool[];
    /** "auto", "none", "required" or "tool:NAME". */
    toolChoice?: string;
    engine?: string;
    /** "text", "json", or a JSON Schema. */
    responseFormat?: "text" | "json" | object;
    temperature?: number;
    topP?: number;
    stop?: string[];
    maxOutputTokens?: number;
    /** What watchers see while it speaks. */
    show?: "hidden" | "text" | "text+thinking";
  }

  export interface Reply {
    /** "answered", "timed-out", "declined", "nobody" or "cancelled". */
    outcome: string;
    /** By the id of the question; where the user gave none, the question's default if it has one. */
    answers: Record<string, string>;
  }

  export interface DelegateOptions {
    behaviour?: string;
    timeoutMs?: number;
    onUpdate?: (update: { state: string; child: string; executor: string; summary: string }) => void;
  }

  export interface Ended {
    /** "completed", "failed" or "cancelled". */
    status: string;
    /** Whether it did what it was asked. */
    ok: boolean;
    text: string;
    results: any[];
    error: string;
    child: string;
  }

  export interface AnswerOptions {
    title?: string;
    /** "markdown", "text" or "html". */
    format?: string;
    messageId?: string;
  }

  export interface Tool {
    name: string;
    namespace: string;
    toolType: string;
    description: string;
    /** JSON Schema of its parameters, as text. */
    schema: string;
  }

  export interface ToolCall {
    callId: string;
    tool: string;
    /** JSON text. */
    parameters: string;
  }

  /** A kind, and a body that is JSON text. */
  export interface Named {
    kind: string;
    body: string;
  }

  /** A piece of what somebody said or showed: `{ tag: "text", val }`, `{ tag: "image", val: { blob } }` and so on. */
  export type Part = { tag: string; val: any };
  export interface Call { callId: string; tool: string; toolType: string; parameters: string; timeoutMs?: number }
  export interface ToolSet { agent: string; process: string; root: string }
  export interface Question { id: string; text: string; kind: string; options: string[]; defaultValue?: string }
  export interface PlanStep { text: string; done?: boolean }
  export interface Scope { tag: string }
  export interface Input { tag: string; val: object }
  export interface Target { tag: string; val: unknown }
  export interface ImageEdit { tag: string; val: object }

  /** A picture, by its blob. */
  export function image(blob: string, description?: string): Part;
  /** Any other file, by its blob. */
  export function file(blob: string, name: string): Part;
  /** A part that this version of the contract has no case for. */
  export function extension(kind: string, body: unknown): Part;
  /** One call of a tool. Without an `id` it is called c1, c2 and so on; `toolType` is "action" or "data_collection". */
  export function call(
    tool: string,
    parameters?: object,
    options?: { id?: string; timeoutMs?: number; toolType?: string },
  ): Call;
  /** The tools of an agent of the device, for one application: its process, or its root such as "WINWORD.EXE". */
  export function toolSet(agent: string, process?: string, root?: string): ToolSet;
  export const HOST: Scope;
  export const DELEGATES: Scope;
  /** What a model is told. Plain text alone is what the user says. */
  export const message: {
    system(...parts: (string | Part)[]): Input;
    user(...parts: (string | Part)[]): Input;
    assistant(...parts: (string | Part | ModelAnswer)[]): Input;
    /** What a call gave that the model had asked for. */
    tool(call: ToolCall, result: Result | string, failed?: boolean): Input;
  };
  /** A stretch of the conversation so far, among the messages to a model. The host fills it in. */
  export function history(range?: { firstTurn?: number; endTurn?: number; maxImages?: number }): Input;
  /** A question that is answered with any text. */
  export function question(id: string, text: string, options?: { default?: string }): Question;
  /** A question that is answered with "yes" or "no". */
  export function confirm(id: string, text: string, options?: { default?: "yes" | "no" }): Question;
  /** A question that is answered with one of the options. */
  export function choice(id: string, text: string, options: string[], more?: { default?: string }): Question;
  export function device(id: string): Target;
  export function agent(id: string): Target;
  /** Any device of this platform that has all these labels, each "key=value". */
  export function anyDevice(wanted?: { platform?: string; labels?: string[] }): Target;
  export function crop(x: number, y: number, width: number, height: number): ImageEdit;
  export function resize(width: number, height: number): ImageEdit;
  /** Puts another picture beside it: "right" or "below". */
  export function concat(blob: string, side?: string): ImageEdit;
  /** Draws a frame with a label; `colour` is "#rrggbb". */
  export function mark(
    x: number,
    y: number,
    width: number,
    height: number,
    options?: { label?: string; colour?: string },
  ): ImageEdit;
  export function planStep(text: string, done?: boolean): PlanStep;

  // Handlers: `export function handle(message, settings) { ... }`

  /** A message on its way. */
  export interface Message {
    id: string;
    /** "task", "command", "results", "task-end", "chat", "client-registered", "client-gone", or one of `extensions`. */
    kind: string;
    timeMs: number;
    /** Who sent it, as registered. */
    sender: Party;
    receivers: Party[];
    sessionId: string;
    /** Where it came in: "aip", "http", "sessions", "messaging" or "run". */
    door: string;
    /** The message, parsed. */
    readonly body: any;
    /** The message, as it came. */
    json: string;
    blobs: string[];
  }
  export interface Party { id: string; kind: string }
  export interface Verdict { tag: string; val?: unknown }

  /** Let it go on as it is. */
  export const PASS: Verdict;
  /** Send it to everyone that may receive it. */
  export const BROADCAST: Verdict;
  /** Let this go on in its place. */
  export function replace(body: unknown): Verdict;
  /** Send this to the sender, and stop the message. */
  export function reply(body: unknown): Verdict;
  /** Stop it and tell the sender why. */
  export function reject(code: string, text: string): Verdict;
  /** Send it to these clients of the directory. */
  export function route(ids: Iterable<string>): Verdict;
  /** Keep it until the receiver is there, or any that fits, or the time is up. */
  export function hold(options?: { receiver?: string; timeoutMs?: number }): Verdict;
  /** Let a behaviour answer it, on this device if one is named. */
  export function startSession(behaviour: string, executor?: string): Verdict;
  /** Take calls out of a `command`: why, by the id of the call. The rest goes on. */
  export function deny(reasons: Record<string, string>): Verdict;

  export interface Client {
    id: string;
    name: string;
    kind: string;
    platform: string;
    online: boolean;
    paused: boolean;
    load: number;
    outstanding: number;
    capabilities: string[];
    labels: string[];
  }
  /** What is left out does not restrict. */
  export interface Wanted { kind?: string; platform?: string; capabilities?: string[]; labels?: string[] }

  /** Who is there, as far as the messages of this call may reach. */
  export const directory: {
    /** Changes whenever the directory does. */
    version(): bigint;
    get(id: string): Client | null;
    find(wanted?: Wanted): Client[];
    /** One that is online and fits, by "random", "round_robin", "least_outstanding" or "sticky:KEY". */
    pick(policy?: string, wanted?: Wanted & { exclude?: string[] }): Client | null;
  };

  // Both

  /** Ends a run as failed: `throw new Fail("not-found", "There is no such file")`. */
  export class Fail extends Error {
    constructor(code: string, text: string, results?: unknown[]);
    code: string;
    text: string;
    results: unknown[];
  }
  /** The host did not do what it was asked for. */
  export class Refused extends Fail {}
  /** The model gave no full answer. */
  export class ModelFailed extends Fail {
    /** What had come before it was cut. */
    partial: string;
    /** When it makes sense to ask again, if the provider said so. */
    retryAfterMs: number | null;
  }
  /** What `cx.timeout` waited for did not come in time. */
  export class TimedOut extends Fail {}
  /** The run is to end. Catch it to tidy up and to return what there is. */
  export class Cancelled extends Fail {
    /** Such as "user_requested". */
    reason: string;
  }

  /** Pictures, files and long strings, which the host keeps. */
  export const blob: {
    info(id: string): { mime: string; length: number; width: number | null; height: number | null } | null;
    /** Its bytes, or some of them. Read large ones in pieces. */
    read(id: string, offset?: number, length?: number): Uint8Array;
    /** Keeps new bytes and gives their id. */
    create(mime: string, content: string | Uint8Array): string;
  };
  /** The plugin's log; `console` writes there, too. */
  export const log: Record<"trace" | "debug" | "info" | "warn" | "error", (...values: unknown[]) => void>;
  /** Text as bytes and back. */
  export const utf8: { encode(text: string): Uint8Array; decode(bytes: Uint8Array): string };
}
