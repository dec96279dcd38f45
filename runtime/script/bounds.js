// Bounds on what asks the engine for memory by a number alone: it would take it at once, and
// the program would end when there is none. Where JavaScript engines have limits, these are
// theirs. Evaluates to a function of the global object; what it needs is kept from scripts
// that change the built-ins.
(function (global) {
  const { apply, construct, getOwnPropertyDescriptor, getPrototypeOf, ownKeys, setPrototypeOf } = Reflect;
  const { defineProperty } = Object;
  const { isArray, from } = Array;
  const { isView } = ArrayBuffer;
  const isBuffer = (v) => v instanceof Buffer;
  const Buffer = ArrayBuffer;
  const { iterator } = Symbol;
  const { min } = Math;
  const text = String, number = Number, Range = RangeError, Wrong = TypeError, Big = typeof BigInt === "function" ? BigInt : undefined;

  const longest = 2 ** 29 - 24; // characters of a string, V8's limit
  const largest = 2 ** 30; // bytes of a buffer
  const most = 2 ** 26; // elements of a list that is made at once
  const args = 2 ** 20; // arguments of a call

  const replace = (of, name, make) => {
    const native = of[name];
    if (typeof native !== "function") return;
    const made = make(native);
    defineProperty(made, "name", { value: name, configurable: true });
    defineProperty(made, "length", { value: native.length, configurable: true });
    defineProperty(of, name, { value: made, writable: true, configurable: true, enumerable: false });
  };
  const refuse = (message) => { throw new Range(message); };

  const strings = text.prototype;
  replace(strings, "repeat", (native) => ({ repeat(count) {
    if (this === undefined || this === null) return apply(native, this, [count]);
    const s = text(this), n = number(count);
    if (s.length * n > longest && n !== Infinity) refuse("Invalid string length");
    return apply(native, s, [n]);
  } }).repeat);
  for (const name of ["padStart", "padEnd"]) {
    replace(strings, name, (native) => ({ pad(length, fill) {
      if (this === undefined || this === null) return apply(native, this, [length, fill]);
      const n = number(length);
      if (n > longest) refuse("Invalid string length");
      return apply(native, this, [n, fill]);
    } }).pad);
  }

  replace(Array.prototype, "join", (native) => ({ join(separator) {
    if (this === undefined || this === null) return apply(native, this, [separator]);
    const by = separator === undefined ? "," : text(separator);
    if (by.length * (this.length - 1) > longest) refuse("Invalid string length");
    return apply(native, this, [by]);
  } }).join);

  // A list of what is like an array, one by one.
  const listed = (o, limit, message) => {
    const n = min(number(o.length) || 0, 2 ** 53);
    if (n > limit) refuse(message);
    return from({ length: n }, (_, i) => o[i]);
  };
  const asArguments = (a) => (a === undefined || a === null || typeof a !== "object" && typeof a !== "function" ? a : isArray(a) ? (a.length > args ? refuse("too many arguments") : a) : listed(a, args, "too many arguments"));
  replace(Function.prototype, "apply", (native) => ({ apply(self, list) {
    return apply(native, this, [self, asArguments(list)]);
  } }).apply);
  replace(Reflect, "apply", (native) => (f, self, list) => native(f, self, asArguments(list)));
  replace(Reflect, "construct", (native) => (f, list, ...target) => native(f, asArguments(list), ...target));

  for (const name of ["toSorted", "toReversed", "toSpliced", "with"]) {
    replace(Array.prototype, name, (native) => ({ of(...rest) {
      let self = this;
      if (isArray(self) ? self.length > most : self !== undefined && self !== null) self = listed(self, most, "Invalid array length");
      return apply(native, self, rest);
    } }).of);
  }
  replace(JSON, "stringify", (native) => (value, replacer, space) => {
    if (isArray(replacer) && replacer.length > args) refuse("Invalid array length");
    return native(value, replacer, space);
  });
  if (Big) {
    for (const name of ["asIntN", "asUintN"]) {
      replace(Big, name, (native) => (bits, v) => {
        const n = number(bits);
        return n > 2 ** 24 ? refuse("Maximum BigInt size exceeded") : native(n, v);
      });
    }
  }

  // Constructors stay what they are, but for the size that they are asked for.
  const bounded = (name, check) => {
    const native = global[name];
    if (typeof native !== "function") return;
    const made = function (...list) {
      if (new.target === undefined) throw new Wrong(name + " constructor: 'new' is required");
      return construct(native, list.length > 0 ? check(list, native) : list, new.target === made ? native : new.target);
    };
    for (const key of ownKeys(native)) {
      defineProperty(made, key, key === "prototype" ? { value: native.prototype, writable: false } : getOwnPropertyDescriptor(native, key));
    }
    setPrototypeOf(made, getPrototypeOf(native));
    defineProperty(native.prototype, "constructor", { value: made, writable: true, configurable: true, enumerable: false });
    defineProperty(global, name, { value: made, writable: true, configurable: true, enumerable: false });
  };
  const tooLarge = "Array buffer allocation failed";
  bounded("ArrayBuffer", (list) => {
    const n = number(list[0]);
    if (n > largest) refuse(tooLarge);
    list[0] = n;
    return list;
  });
  for (const name of ["Int8Array", "Uint8Array", "Uint8ClampedArray", "Int16Array", "Uint16Array", "Int32Array", "Uint32Array", "Float32Array", "Float64Array", "BigInt64Array", "BigUint64Array"]) {
    bounded(name, (list, native) => {
      const v = list[0], limit = largest / native.BYTES_PER_ELEMENT;
      if (typeof v !== "object" && typeof v !== "function" || v === null) {
        const n = number(v);
        if (n > limit) refuse(tooLarge);
        list[0] = n;
      } else if (!isView(v) && !isBuffer(v) && v[iterator] === undefined) {
        list[0] = listed(v, limit, tooLarge);
      }
      return list;
    });
  }
})
