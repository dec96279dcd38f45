//! Renders chat templates with the crate minijinja, set up as Hugging Face's
//! transformers sets up Python's Jinja2. What Python prints differently from
//! minijinja is here: tojson, and the text of lists and dicts.
//!
//! The functions at the end are the C interface that chattemplate.go calls. They
//! may be called from several threads at once, and do not panic.

use indexmap::IndexMap;
use minijinja::value::{DynObject, Enumerator, Kwargs, Object, ObjectRepr, Value, ValueKind};
use minijinja::{Environment, Error, ErrorKind, State};
use minijinja_contrib::{globals, pycompat};
use serde_json::value::RawValue;
use std::fmt;
use std::sync::Arc;

// A template that needs more than this is broken: a long real one, with 1,000
// messages and 100 tools, takes less than a quarter of it.
const MAX_STEPS: u64 = 20_000_000; // instructions of minijinja
const MAX_OUTPUT: usize = 64 << 20; // bytes
const MAX_DEPTH: usize = 300; // lists and dicts in each other that are printed
const STACK: usize = 256 << 20; // bytes of address space: what MAX_STEPS can nest is dropped recursively

fn fail<T>(message: impl Into<String>) -> Result<T, Error> {
    Err(Error::new(ErrorKind::InvalidOperation, message.into()))
}

fn environment(source: String) -> Result<Environment<'static>, Error> {
    let mut env = Environment::new();
    env.set_trim_blocks(true);
    env.set_lstrip_blocks(true);
    env.set_fuel(Some(MAX_STEPS));
    env.set_debug(true); // errors know their place in the source
    env.set_formatter(|out, _, value| Style::REPR.print(out, value));
    env.set_unknown_method_callback(method);
    env.add_filter("tojson", tojson);
    env.add_filter("string", |value: &Value| Style::REPR.text(value));
    env.add_filter("length", length);
    env.add_filter("count", length);
    env.add_test("iterable", |value: &Value| !value.is_none() && value.try_iter().is_ok());
    env.add_test("sequence", |value: &Value| value.kind() == ValueKind::String || value.as_object().is_some());
    env.add_function("joiner", globals::joiner);
    env.add_function("strftime_now", strftime_now);
    env.add_function("raise_exception", |message: &Value| fail::<Value>(message.to_string()));
    env.add_template_owned(NAME, source)?;
    Ok(env)
}

const NAME: &str = "template";

/// Python's str.find and str.rfind count characters; pycompat's count bytes.
fn method(state: &State, value: &Value, method: &str, args: &[Value]) -> Result<Value, Error> {
    let result = pycompat::unknown_method_callback(state, value, method, args)?;
    match (value.as_str(), method, usize::try_from(result.clone())) {
        (Some(s), "find" | "rfind", Ok(bytes)) => Ok(s[..bytes].chars().count().into()),
        _ => Ok(result),
    }
}

/// Python's len(), which Jinja2 has for what is undefined, too.
fn length(value: &Value) -> Result<usize, Error> {
    match value.len() {
        Some(n) => Ok(n),
        None if value.is_undefined() => Ok(0),
        None => fail(format!("a value of type {} has no length", value.kind())),
    }
}

/// Now, by the C library as Python does it. A datetime of Python's has no time zone.
fn strftime_now(format: &str) -> Result<String, Error> {
    let Ok(format) = std::ffi::CString::new(format.replace("%Z", "").replace("%z", "")) else {
        return fail("embedded null character");
    };
    let mut text = [0u8; 1024];
    // SAFETY: strftime writes no more than the buffer's size, and returns how much.
    let length = unsafe {
        let mut local = std::mem::zeroed();
        libc::localtime_r(&libc::time(std::ptr::null_mut()), &mut local);
        libc::strftime(text.as_mut_ptr().cast(), text.len(), format.as_ptr(), &local)
    };
    Ok(String::from_utf8_lossy(&text[..length]).into_owned())
}

/// json.dumps of Python, with the defaults of transformers.
fn tojson(value: &Value, options: Kwargs) -> Result<String, Error> {
    let indent = match options.get::<Option<Value>>("indent")? {
        Some(indent) if indent.kind() == ValueKind::String => Some(indent.to_string()),
        Some(indent) if !indent.is_none() => Some(" ".repeat(usize::try_from(indent)?.min(1000))),
        _ => None,
    };
    let separators = options.get::<Option<Vec<String>>>("separators")?;
    let (item, key) = match separators.as_deref() {
        None if indent.is_some() => (",", ": "),
        None => (", ", ": "),
        Some([item, key]) => (&item[..], &key[..]),
        Some(_) => return fail("tojson: separators are not two texts"),
    };
    let style = Style {
        json: true,
        ascii: options.get::<Option<bool>>("ensure_ascii")?.unwrap_or(false),
        sorted: options.get::<Option<bool>>("sort_keys")?.unwrap_or(false),
        indent: indent.as_deref(),
        item,
        key,
    };
    options.assert_all_used()?;
    let mut text = String::new();
    style.write(&mut text, value, 0)?;
    Ok(text)
}

/// How Python writes a value: as repr() or as JSON.
struct Style<'a> {
    json: bool,
    ascii: bool,
    sorted: bool,
    indent: Option<&'a str>,
    item: &'a str,
    key: &'a str,
}

impl Style<'_> {
    const REPR: Style<'static> = Style { json: false, ascii: false, sorted: false, indent: None, item: ", ", key: ": " };

    /// Python's str(): repr() but for texts and what is undefined.
    fn print(&self, out: &mut dyn fmt::Write, value: &Value) -> Result<(), Error> {
        match value.kind() {
            ValueKind::String | ValueKind::Undefined => Ok(write!(out, "{value}")?),
            _ => self.write(out, value, 0),
        }
    }

    fn text(&self, value: &Value) -> Result<String, Error> {
        let mut text = String::new();
        self.print(&mut text, value).map(|()| text)
    }

    fn write(&self, out: &mut dyn fmt::Write, value: &Value, depth: usize) -> Result<(), Error> {
        if depth > MAX_DEPTH {
            return fail(format!("more than {MAX_DEPTH} lists and dicts are in each other"));
        }
        match value.kind() {
            ValueKind::String => self.quote(out, value.as_str().unwrap_or_default())?,
            ValueKind::Number if !value.is_integer() => self.float(out, f64::try_from(value.clone())?)?,
            ValueKind::None if self.json => out.write_str("null")?,
            ValueKind::Bool if self.json => out.write_str(if value.is_true() { "true" } else { "false" })?,
            ValueKind::Undefined if !self.json => out.write_str("Undefined")?,
            ValueKind::None | ValueKind::Bool | ValueKind::Number => write!(out, "{value}")?,
            ValueKind::Seq | ValueKind::Iterable => {
                self.items(out, "[]", value.try_iter()?, depth, |out, item| self.write(out, &item, depth + 1))?
            }
            ValueKind::Map => {
                let mut keys: Vec<Value> = value.try_iter()?.collect();
                if self.sorted {
                    keys.sort();
                }
                self.items(out, "{}", keys.into_iter(), depth, |out, key| {
                    let bare = self.json && key.kind() != ValueKind::String;
                    out.write_str(if bare { "\"" } else { "" })?;
                    self.write(out, &key, depth + 1)?;
                    out.write_str(if bare { "\"" } else { "" })?;
                    out.write_str(self.key)?;
                    self.write(out, &value.get_item(&key)?, depth + 1)
                })?
            }
            kind if self.json => return fail(format!("an object of type {kind} is not JSON serializable")),
            _ => write!(out, "{value}")?,
        }
        Ok(())
    }

    fn items(
        &self,
        out: &mut dyn fmt::Write,
        brackets: &str,
        items: impl Iterator<Item = Value>,
        depth: usize,
        write: impl Fn(&mut dyn fmt::Write, Value) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let line = |out: &mut dyn fmt::Write, depth| match self.indent {
            Some(indent) => write!(out, "\n{}", indent.repeat(depth)),
            None => Ok(()),
        };
        out.write_str(&brackets[..1])?;
        let mut empty = true;
        for item in items {
            if !empty {
                out.write_str(self.item)?;
            }
            empty = false;
            line(out, depth + 1)?;
            write(out, item)?;
        }
        if !empty {
            line(out, depth)?;
        }
        Ok(out.write_str(&brackets[1..])?)
    }

    fn float(&self, out: &mut dyn fmt::Write, f: f64) -> fmt::Result {
        if !f.is_finite() {
            let name = if f.is_nan() { "NaN" } else if f > 0.0 { "Infinity" } else { "-Infinity" };
            return match self.json {
                true => out.write_str(name),
                false => out.write_str(&name.to_lowercase().replace("inity", "")),
            };
        }
        let text = format!("{f:?}"); // the shortest one, with an exponent when Python has one
        match text.split_once('e') {
            Some((digits, exponent)) => {
                let exponent: i32 = exponent.parse().unwrap_or_default();
                write!(out, "{digits}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
            }
            None => out.write_str(&text),
        }
    }

    fn quote(&self, out: &mut dyn fmt::Write, s: &str) -> fmt::Result {
        let quote = if self.json || s.contains('\'') && !s.contains('"') { '"' } else { '\'' };
        out.write_char(quote)?;
        for c in s.chars() {
            match c {
                '\\' => out.write_str("\\\\")?,
                '\n' => out.write_str("\\n")?,
                '\r' => out.write_str("\\r")?,
                '\t' => out.write_str("\\t")?,
                '\x08' if self.json => out.write_str("\\b")?,
                '\x0c' if self.json => out.write_str("\\f")?,
                c if c == quote => write!(out, "\\{c}")?,
                c if self.json && (c < ' ' || self.ascii && c > '~') => {
                    for unit in c.encode_utf16(&mut [0; 2]) {
                        write!(out, "\\u{unit:04x}")?
                    }
                }
                // Rust escapes what Python does, in another way. After an x, since it
                // escapes a mark that has nothing to be put on.
                c if !self.json && !(' '..='~').contains(&c) && format!("x{c}").escape_debug().count() > 2 => match c as u32 {
                    n @ 0..=0xff => write!(out, "\\x{n:02x}")?,
                    n @ 0x100..=0xffff => write!(out, "\\u{n:04x}")?,
                    n => write!(out, "\\U{n:08x}")?,
                },
                c => out.write_char(c)?,
            }
        }
        out.write_char(quote)
    }
}

/// A list or dict of the variables: minijinja's own, printed as Python does. It is
/// for where no filter of ours comes by, as in "a" ~ list.
#[derive(Debug)]
struct Variable(DynObject);

impl Object for Variable {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        self.0.repr()
    }
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.0.get_value(key)
    }
    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        self.0.get_value_by_str(key)
    }
    fn enumerate(self: &Arc<Self>) -> Enumerator {
        self.0.enumerate()
    }
    fn enumerator_len(self: &Arc<Self>) -> Option<usize> {
        self.0.enumerator_len()
    }
    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Style::REPR.write(f, &Value::from_dyn_object(self.clone()), 0).map_err(|_| fmt::Error)
    }
}

/// A value from JSON. Numbers are read here: serde_json rounds long ones.
fn variable(json: &RawValue) -> Result<Value, serde_json::Error> {
    let text = json.get();
    let value: Value = match text.as_bytes()[0] {
        b'[' => {
            let items: Vec<&RawValue> = serde_json::from_str(text)?;
            items.into_iter().map(variable).collect::<Result<Vec<_>, _>>()?.into()
        }
        b'{' => {
            let items: IndexMap<String, &RawValue> = serde_json::from_str(text)?;
            let items = items.into_iter().map(|(key, value)| variable(value).map(|value| (key, value)));
            items.collect::<Result<Vec<_>, _>>()?.into_iter().collect()
        }
        b'-' | b'0'..=b'9' => match (text.parse::<i64>(), text.parse::<i128>(), text.parse::<f64>()) {
            (Ok(n), _, _) => n.into(),
            (_, Ok(n), _) => n.into(),
            (_, _, n) => n.unwrap_or(f64::NAN).into(),
        },
        _ => serde_json::from_str(text)?,
    };
    Ok(match value.as_object() {
        Some(object) => Value::from_object(Variable(object.clone())),
        None => value,
    })
}

/// An output of limited size.
struct Output(Vec<u8>);

impl std::io::Write for Output {
    fn write(&mut self, data: &[u8]) -> std::io::Result<usize> {
        if self.0.len() + data.len() > MAX_OUTPUT {
            return Err(std::io::Error::other("full"));
        }
        self.0.extend_from_slice(data);
        Ok(data.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn render(env: &Environment, variables: &[u8]) -> Result<Vec<u8>, Error> {
    let variables = match serde_json::from_slice(variables).and_then(variable) {
        Ok(variables) => variables,
        Err(error) => return fail(format!("the variables: {error}")),
    };
    let mut output = Output(Vec::new());
    env.get_template(NAME)?.render_captured_to(variables, &mut output)?;
    Ok(output.0)
}

/// A text for the caller: what was asked for, or an error with its line, 0 if unknown.
#[repr(C)]
pub struct ChatText {
    data: *mut u8,
    len: usize,
    failed: bool,
    line: usize,
}

impl ChatText {
    fn new(text: Vec<u8>, failed: bool, line: usize) -> ChatText {
        let text = Box::leak(text.into_boxed_slice());
        ChatText { data: text.as_mut_ptr(), len: text.len(), failed, line }
    }

    fn error((message, line): (String, usize)) -> ChatText {
        ChatText::new(message.into_bytes(), true, line)
    }
}

/// What is wrong, and in which line.
fn describe(error: Error) -> (String, usize) {
    let place = || error.template_source().zip(error.range()).and_then(|(source, range)| source.get(range));
    let message = match (error.kind(), error.detail()) {
        (ErrorKind::OutOfFuel, _) => format!("it takes more than {MAX_STEPS} steps: does it have an endless loop?"),
        (ErrorKind::WriteFailure, _) => format!("it makes a text of more than {MAX_OUTPUT} bytes"),
        (ErrorKind::InvalidOperation, Some(detail)) => detail.to_string(),
        (kind, Some(detail)) => format!("{kind}: {detail}"),
        (kind, None) => place().map_or(kind.to_string(), |place| format!("{kind}: {place}")),
    };
    (message, error.line().unwrap_or(0))
}

/// Runs f with a large stack. A panic becomes an error.
fn run<T: Send>(f: impl FnOnce() -> Result<T, Error> + Send) -> Result<T, (String, usize)> {
    let failed = |message: String| Err((message, 0));
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK);
        match thread.spawn_scoped(scope, || f().map_err(describe)) {
            Ok(thread) => thread.join().unwrap_or_else(|_| failed("minijinja panicked".into())),
            Err(error) => failed(format!("cannot start a thread: {error}")),
        }
    })
}

/// A slice of the caller's, who may give any pointer to no bytes.
unsafe fn bytes<'a>(data: *const u8, len: usize) -> &'a [u8] {
    match len {
        0 => &[],
        _ => std::slice::from_raw_parts(data, len),
    }
}

/// Parses a template of len bytes of UTF-8. Returns null, and sets error, if it is
/// wrong; else what chat_template_free frees.
///
/// # Safety
/// source points to len bytes, error to a ChatText.
#[no_mangle]
pub unsafe extern "C" fn chat_template_new(source: *const u8, len: usize, error: *mut ChatText) -> *mut Environment<'static> {
    let source = String::from_utf8_lossy(bytes(source, len)).into_owned();
    match run(|| environment(source)) {
        Ok(env) => Box::into_raw(Box::new(env)),
        Err(wrong) => {
            *error = ChatText::error(wrong);
            std::ptr::null_mut()
        }
    }
}

/// Renders a template with variables, len bytes of JSON.
///
/// # Safety
/// template is from chat_template_new, variables points to len bytes.
#[no_mangle]
pub unsafe extern "C" fn chat_template_render(template: *const Environment<'static>, variables: *const u8, len: usize) -> ChatText {
    let (env, variables) = (&*template, bytes(variables, len));
    match run(|| render(env, variables)) {
        Ok(text) => ChatText::new(text, false, 0),
        Err(error) => ChatText::error(error),
    }
}

/// # Safety
/// template is from chat_template_new and is not used any more.
#[no_mangle]
pub unsafe extern "C" fn chat_template_free(template: *mut Environment<'static>) {
    drop(Box::from_raw(template));
}

/// # Safety
/// text is from one of these functions and is not used any more.
#[no_mangle]
pub unsafe extern "C" fn chat_text_free(text: ChatText) {
    drop(Box::from_raw(std::ptr::slice_from_raw_parts_mut(text.data, text.len)));
}
