// Writes what weir's tokenizers make of corpus.json: one file a tokenizer. It is run by check.sh.
import { params, type RunResult } from "weir";
import { Tokenizer } from "weir/tokenizer";

const p = params({
  corpus: { default: "", help: "folder of corpus.json" },
  models: { default: "", help: "folder with a folder for each tokenizer" },
  names: { default: "", help: "the tokenizers, with commas between" },
});

interface Chat {
  messages: any[];
  tools: any[] | null;
  add_generation_prompt: boolean;
  variables: Record<string, unknown>;
}

const corpus = JSON.parse(open(`${p.corpus}/corpus.json`)) as {
  texts: string[];
  long: string[];
  numbers: number[][];
  chats: Chat[];
  templates: { template: string; variables: Record<string, unknown> }[];
};

export const options = { teardownTimeout: "10m" };

export function* plan() {
  yield { iterations: 1 };
}

export default function () {}

// attempt returns what f does, or its error.
function attempt(f: () => unknown) {
  try {
    return { ok: f() };
  } catch (e) {
    return { error: String(e) };
  }
}

// incremental decodes ids in pieces of one, two, three… and compares with decode.
function incremental(tokenizer: Tokenizer, ids: number[], skipSpecialTokens: boolean, want: string) {
  const decoder = tokenizer.decoder({ skipSpecialTokens });
  let text = "";
  for (let at = 0, step = 1; at < ids.length; at += step, step = (step % 3) + 1) {
    const piece = decoder.push(step === 1 ? ids[at] : ids.slice(at, at + step));
    if (want.indexOf("\uFFFD") < 0 && piece.indexOf("\uFFFD") >= 0) {
      throw new Error(`a cut character is shown: ${JSON.stringify(piece)} of ${JSON.stringify(want)}`);
    }
    text += piece;
  }
  text += decoder.end();
  if (text !== want) {
    throw new Error(`incremental decoding gives ${JSON.stringify(text)}, decode ${JSON.stringify(want)}`);
  }
}

function one(name: string) {
  const tokenizer = new Tokenizer(`${p.models}/${name}`);
  const ours = /^(sp|slow)-/.test(name); // compared on short texts, and those of SentencePiece without NUL
  const texts = name.startsWith("sp-") ? corpus.texts.map((t) => (t.includes("\0") ? "" : t)) : corpus.texts;
  const long = ours ? [] : corpus.long;
  const numbers = corpus.numbers;
  const plain = { addSpecialTokens: false };
  const ids = tokenizer.encodeBatch(texts, plain);
  const special = tokenizer.encodeBatch(texts);
  const known = tokenizer.totalVocabSize;
  const random = numbers.map((list) => list.map((x) => Math.floor(x * known)).filter((id) => tokenizer.token(id) !== null));
  const decoded = tokenizer.decodeBatch([...special, ...random]);
  const skipped = tokenizer.decodeBatch([...special, ...random], { skipSpecialTokens: true });
  [...special, ...random].forEach((list, i) => {
    if (list.length < 2000 && (i % 2 === 0 || i >= special.length)) {
      incremental(tokenizer, list, false, decoded[i]);
      incremental(tokenizer, list, true, skipped[i]);
    }
  });
  texts.slice(0, 300).forEach((text, i) => {
    if (tokenizer.encode(text, plain).join() !== ids[i].join() || tokenizer.count(text) !== special[i].length) {
      throw new Error(`encode or count differs from encodeBatch on ${JSON.stringify(text)}`);
    }
  });
  const sample = random.flat().slice(0, 2000);
  return {
    vocab: [tokenizer.vocabSize, tokenizer.totalVocabSize],
    ids,
    special,
    counts: [tokenizer.countBatch(texts, plain), tokenizer.countBatch(texts)],
    long: tokenizer.encodeBatch(long, plain),
    random,
    decoded,
    skipped,
    tokens: sample.map((id) => [id, tokenizer.token(id), tokenizer.id(tokenizer.token(id)!)]),
    specialTokens: tokenizer.specialTokens,
    chats: ours || !tokenizer.hasChatTemplate ? null : corpus.chats.map((c) =>
      attempt(() => {
        const o = { addGenerationPrompt: c.add_generation_prompt, tools: c.tools ?? undefined, ...c.variables };
        const text = tokenizer.applyChatTemplate(c.messages, o);
        return [text, tokenizer.countChat(c.messages, o)];
      }),
    ),
    templates: ours ? null : corpus.templates.map((t) =>
      // A template needs messages; these are not printed.
      attempt(() => tokenizer.applyChatTemplate([{ role: "user", content: "" }], { template: t.template, ...t.variables })),
    ),
  };
}

export function handleSummary(_: RunResult) {
  const out: Record<string, string> = { stdout: "" };
  for (const name of p.names.split(",")) {
    out[`${name}.json`] = JSON.stringify(one(name));
  }
  return out;
}
