// Code with its words told apart: enough for reading a few lines, by no means a parser.

const KEYWORDS = new Set(("and as assert async await auto bool break case catch char class const continue def del delete do " +
  "double elif else enum except False finally float for from global if import in int is lambda namespace new None nonlocal " +
  "not nullptr or pass raise return self size_t static struct switch template this throw True try typename using void " +
  "while with yield").split(" "));
const REST = `("(?:[^"\\\\]|\\\\.)*"|'(?:[^'\\\\]|\\\\.)*')|(\\b\\d[\\w.]*\\b)|([A-Za-z_]\\w*)`;
const PYTHON_WORDS = new RegExp(`(#.*)|${REST}`, "g");
const CPP_WORDS = new RegExp(`(//.*|/\\*.*?(?:\\*/|$))|${REST}`, "g");

const isPython = (path) => /\.pyi?$/.test(path);

function highlighted(path, code) {
  const parts = [];
  let last = 0;
  for (const match of code.matchAll(isPython(path) ? PYTHON_WORDS : CPP_WORDS)) {
    const kind = match[1] ? "comment" : match[2] ? "string" : match[3] ? "number" : KEYWORDS.has(match[4]) ? "keyword" : "";
    if (!kind) continue;
    parts.push(code.slice(last, match.index), make("span", { class: `is-${kind}` }, match[0]));
    last = match.index + match[0].length;
  }
  parts.push(code.slice(last));
  return parts;
}

// The lines of a file around one place, with the numbers of the steps that stand there.
function excerpt(path, line, marks, context) {
  const lines = report.code[path] || {};
  const rows = [];
  for (let number = line - context; number <= line + context; number += 1) {
    if (lines[number] === undefined) continue;
    const here = marks.filter((mark) => mark.path === path && mark.line === number);
    const badges = here.map((mark) => make("b", { class: "badge" }, String(mark.number)));
    rows.push(make("div", { class: number === line ? "row current" : here.length ? "row marked" : "row" },
      make("span", { class: "number" }, String(number)),
      make("span", { class: "marks" }, ...badges),
      make("code", null, ...highlighted(path, lines[number]))));
  }
  return rows.length ? rows : [make("p", { class: "gone" }, "The line is not part of this report.")];
}
