/** Promises that say so when their `await` was forgotten. */

/** What stands behind the promises of a run: whatever it lacks is meant for the answer. */
const known = Object.create(Promise.prototype, { toJSON: { value: undefined } });

/** Keeps watch over promises until somebody awaits them. */
export class Watch {
  #forgotten = new Map();

  /** The promise, whose use as if it were the answer throws. `name` is the function of `cx` that gave it. */
  over(promise, name) {
    const error = new TypeError(`\`cx.${name}(...)\` was not awaited: write \`await\` before it`);
    this.#forgotten.set(promise, error);
    const get = (target, property) => {
      if (property === "then") this.#forgotten.delete(promise); // Whoever awaits it asks for this first.
      if (property in target) return target[property];
      throw error;
    };
    return Object.setPrototypeOf(promise, new Proxy(known, { get }));
  }

  /** Throws if there is a promise that nobody has awaited; the place is where it was made. */
  end() {
    for (const error of this.#forgotten.values()) throw error;
  }
}
