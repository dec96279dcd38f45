// URL and URLSearchParams. Parsing, and the form encoding, are Go's.
(function (global, { parse, formEncode, formDecode }) {
  const define = (target, name, value) =>
    Object.defineProperty(target, name, { value, writable: true, configurable: true, enumerable: false });

  class URLSearchParams {
    #pairs = [];
    #changed = () => {};

    constructor(init = "") {
      if (typeof init === "object" && init !== null) {
        if (typeof init[Symbol.iterator] === "function") {
          for (const pair of init) {
            const [name, value, ...more] = pair;
            if (value === undefined || more.length > 0) throw new TypeError("URLSearchParams: each entry must be a [name, value] pair");
            this.#pairs.push([String(name), String(value)]);
          }
        } else {
          for (const name of Object.keys(init)) this.#pairs.push([name, String(init[name])]);
        }
      } else {
        this.#parse(String(init));
      }
    }

    #parse(query) {
      this.#pairs = [];
      for (const part of query.replace(/^\?/, "").split("&")) {
        if (part === "") continue;
        const at = part.indexOf("=");
        this.#pairs.push(at < 0 ? [formDecode(part), ""] : [formDecode(part.slice(0, at)), formDecode(part.slice(at + 1))]);
      }
    }

    // The URL that the parameters belong to hears of changes, and reads its query anew here.
    static _attach(params, changed) {
      params.#changed = changed;
      return (query) => params.#parse(query);
    }

    get size() {
      return this.#pairs.length;
    }
    append(name, value) {
      this.#pairs.push([String(name), String(value)]);
      this.#changed();
    }
    delete(name, value) {
      this.#pairs = this.#pairs.filter(([n, v]) => n !== String(name) || (value !== undefined && v !== String(value)));
      this.#changed();
    }
    get(name) {
      const found = this.#pairs.find(([n]) => n === String(name));
      return found ? found[1] : null;
    }
    getAll(name) {
      return this.#pairs.filter(([n]) => n === String(name)).map(([, v]) => v);
    }
    has(name, value) {
      return this.#pairs.some(([n, v]) => n === String(name) && (value === undefined || v === String(value)));
    }
    set(name, value) {
      const first = this.#pairs.findIndex(([n]) => n === String(name));
      if (first < 0) return this.append(name, value);
      this.#pairs[first][1] = String(value);
      this.#pairs = this.#pairs.filter(([n], i) => i <= first || n !== String(name));
      this.#changed();
    }
    sort() {
      this.#pairs.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
      this.#changed();
    }
    forEach(callback, self) {
      for (const [name, value] of this.#pairs) callback.call(self, value, name, this);
    }
    *entries() {
      for (const [name, value] of this.#pairs) yield [name, value];
    }
    *keys() {
      for (const [name] of this.#pairs) yield name;
    }
    *values() {
      for (const [, value] of this.#pairs) yield value;
    }
    [Symbol.iterator]() {
      return this.entries();
    }
    toString() {
      return this.#pairs.map(([name, value]) => formEncode(name) + "=" + formEncode(value)).join("&");
    }
  }
  const attach = URLSearchParams._attach;
  delete URLSearchParams._attach;

  class URL {
    #parts;
    #params;
    #reread;

    constructor(url, base) {
      this.#parts = parse(String(url), base === undefined ? undefined : String(base));
    }
    static canParse(url, base) {
      try {
        return new URL(url, base) && true;
      } catch {
        return false;
      }
    }
    static parse(url, base) {
      return URL.canParse(url, base) ? new URL(url, base) : null;
    }

    // Values that do not make a URL are ignored, as the standard has it.
    #change(changes) {
      try {
        this.#parts = parse(format({ ...this.#parts, ...changes }));
      } catch {
        return;
      }
    }

    get href() {
      return format(this.#parts);
    }
    set href(value) {
      this.#parts = parse(String(value));
      this.#reread?.(this.#parts.search);
    }
    get origin() {
      const p = this.#parts;
      return p.special ? `${p.protocol}//${this.host}` : "null";
    }
    get protocol() {
      return this.#parts.protocol;
    }
    set protocol(value) {
      this.#change({ protocol: String(value).replace(/:.*$/, "") + ":" });
    }
    get username() {
      return this.#parts.username;
    }
    set username(value) {
      this.#change({ username: encodeURIComponent(value) });
    }
    get password() {
      return this.#parts.password;
    }
    set password(value) {
      this.#change({ password: encodeURIComponent(value) });
    }
    get host() {
      const { hostname, port } = this.#parts;
      return port === "" ? hostname : `${hostname}:${port}`;
    }
    set host(value) {
      const [, hostname, port] = /^(\[[^\]]*\]|[^:/?#]*)(?::(\d*))?/.exec(String(value));
      this.#change(port === undefined ? { hostname } : { hostname, port });
    }
    get hostname() {
      return this.#parts.hostname;
    }
    set hostname(value) {
      this.#change({ hostname: String(value) });
    }
    get port() {
      return this.#parts.port;
    }
    set port(value) {
      if (/^\d{0,5}$/.test(String(value))) this.#change({ port: String(value) });
    }
    get pathname() {
      return this.#parts.pathname;
    }
    set pathname(value) {
      const path = String(value).replace(/\?/g, "%3F").replace(/#/g, "%23");
      this.#change({ pathname: path.startsWith("/") ? path : "/" + path });
    }
    get search() {
      return this.#parts.search;
    }
    set search(value) {
      const query = String(value).replace(/^\?/, "").replace(/#/g, "%23");
      this.#change({ search: query === "" ? "" : "?" + query });
      this.#reread?.(this.#parts.search);
    }
    get searchParams() {
      if (!this.#params) {
        this.#params = new URLSearchParams(this.#parts.search);
        this.#reread = attach(this.#params, () => {
          const query = this.#params.toString();
          this.#change({ search: query === "" ? "" : "?" + query });
        });
      }
      return this.#params;
    }
    get hash() {
      return this.#parts.hash;
    }
    set hash(value) {
      const fragment = String(value).replace(/^#/, "");
      this.#change({ hash: fragment === "" ? "" : "#" + fragment });
    }
    toString() {
      return this.href;
    }
    toJSON() {
      return this.href;
    }
  }

  const format = (p) => {
    let authority = "";
    if (p.slashes) {
      const user = p.username === "" && p.password === "" ? "" : p.username + (p.password === "" ? "" : ":" + p.password) + "@";
      authority = "//" + user + p.hostname + (p.port === "" ? "" : ":" + p.port);
    }
    return p.protocol + authority + p.pathname + p.search + p.hash;
  };

  define(global, "URL", URL);
  define(global, "URLSearchParams", URLSearchParams);
});
