// What scripts find around them, as far as it is easier said in JavaScript.
(function (global) {
  const define = (target, name, value) =>
    Object.defineProperty(target, name, { value, writable: true, configurable: true, enumerable: false });

  class DOMException extends Error {
    constructor(message, name = "Error") {
      super(message);
      define(this, "name", name);
    }
  }
  define(global, "DOMException", DOMException);

  const tagOf = (value) => Object.prototype.toString.call(value).slice(8, -1);
  const TypedArray = Object.getPrototypeOf(Uint8Array);
  const errors = { Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError };

  const refuse = (value) => {
    let text = typeof value;
    try {
      text = typeof value === "function" ? `function ${value.name || "(anonymous)"}` : String(value);
    } catch {}
    throw new DOMException(`${text} could not be cloned`, "DataCloneError");
  };

  // Every object is remembered before its parts are cloned, so cycles and
  // shared references come out as they went in.
  const clone = (value, seen) => {
    if (typeof value === "symbol" || typeof value === "function") refuse(value);
    if (typeof value !== "object" || value === null) return value;
    if (seen.has(value)) return seen.get(value);
    const keep = (copy) => {
      seen.set(value, copy);
      return copy;
    };
    if (Array.isArray(value)) {
      const copy = keep(new Array(value.length));
      for (const key of Object.keys(value)) copy[key] = clone(value[key], seen);
      return copy;
    }
    if (value instanceof ArrayBuffer) return keep(value.slice(0));
    if (value instanceof TypedArray) {
      return keep(new value.constructor(clone(value.buffer, seen), value.byteOffset, value.length));
    }
    if (value instanceof DataView) {
      return keep(new DataView(clone(value.buffer, seen), value.byteOffset, value.byteLength));
    }
    if (value instanceof Date) return keep(new Date(value.getTime()));
    if (value instanceof RegExp) return keep(new RegExp(value.source, value.flags));
    if (value instanceof Map) {
      const copy = keep(new Map());
      for (const [key, item] of [...value]) copy.set(clone(key, seen), clone(item, seen));
      return copy;
    }
    if (value instanceof Set) {
      const copy = keep(new Set());
      for (const item of [...value]) copy.add(clone(item, seen));
      return copy;
    }
    if (value instanceof Error) {
      const copy = keep(new (errors[value.name] ?? Error)(value.message));
      define(copy, "stack", value.stack);
      if ("cause" in value) define(copy, "cause", clone(value.cause, seen));
      return copy;
    }
    switch (tagOf(value)) {
      case "Number":
      case "String":
      case "Boolean":
        return keep(Object(value.valueOf()));
      case "Promise":
      case "WeakMap":
      case "WeakSet":
      case "Generator":
        refuse(value);
    }
    const copy = keep({});
    for (const key of Object.keys(value)) {
      Object.defineProperty(copy, key, { value: clone(value[key], seen), writable: true, enumerable: true, configurable: true });
    }
    return copy;
  };

  define(global, "structuredClone", function structuredClone(value) {
    if (arguments.length === 0) throw new TypeError("structuredClone needs a value");
    return clone(value, new Map());
  });

  // An exception in the callback is an unhandled rejection, which fails the task.
  define(global, "queueMicrotask", function queueMicrotask(callback) {
    if (typeof callback !== "function") throw new TypeError("queueMicrotask: the argument must be a function");
    Promise.resolve().then(() => callback());
  });

  if (!Promise.withResolvers) {
    define(Promise, "withResolvers", function withResolvers() {
      let resolve, reject;
      const promise = new this((yes, no) => ((resolve = yes), (reject = no)));
      return { promise, resolve, reject };
    });
  }
  if (!Object.groupBy) {
    define(Object, "groupBy", function groupBy(items, callback) {
      const groups = Object.create(null);
      let index = 0;
      for (const item of items) (groups[callback(item, index++)] ??= []).push(item);
      return groups;
    });
  }
  if (!Array.fromAsync) {
    define(Array, "fromAsync", async function fromAsync(items, map = (item) => item) {
      const out = [];
      const begin = items[Symbol.asyncIterator] ?? items[Symbol.iterator];
      if (begin) {
        const iterator = begin.call(items);
        for (let step = await iterator.next(); !step.done; step = await iterator.next()) {
          out.push(await map(await step.value, out.length));
        }
      } else {
        for (let i = 0; i < items.length; i++) out.push(await map(await items[i], i));
      }
      return out;
    });
  }
});
