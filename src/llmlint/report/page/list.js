// The list of findings. Only the rows in sight exist, so that thousands scroll as smoothly as ten.

// On a phone the rule has a line of its own. `page.css` knows the same width.
const isNarrow = matchMedia("(max-width: 480px)");
const rowHeight = () => (isNarrow.matches ? 98 : 76);
const SPARE = 6;

const list = document.getElementById("list");
const rows = document.getElementById("rows");
let found = [];
let selected = null;
let drawnAt = 0;

function showList(findings) {
  found = findings;
  rows.style.height = `${Math.max(found.length, 1) * rowHeight()}px`;
  list.scrollTop = 0;
  drawRows();
}

function drawRows() {
  if (!found.length) {
    rows.replaceChildren(make("p", { class: "empty" }, report.findings.length
      ? "No finding matches. Press x to clear the filters." : "Nothing found: the scan came back clean."));
    return;
  }
  const first = Math.max(0, Math.floor(list.scrollTop / rowHeight()) - SPARE);
  const last = Math.min(found.length, Math.ceil((list.scrollTop + list.clientHeight) / rowHeight()) + SPARE);
  drawnAt = list.scrollTop;
  const drawn = [];
  for (let index = first; index < last; index += 1) drawn.push(row(found[index], index));
  rows.replaceChildren(...drawn);
}

function row(finding, index) {
  const rule = ruleOf(finding);
  const isSelected = finding === selected;
  const element = make("div", {
    class: `finding ${finding.severity}${finding.suppressed ? " suppressed" : ""}`, role: "option", id: `row-${index}`, "aria-selected": String(isSelected),
    "aria-setsize": found.length, "aria-posinset": index + 1, onclick: () => select(finding, true),
  },
  make("span", { class: "severity" }, finding.severity),
  make("span", { class: "message" }, finding.message),
  whereOf(finding.path, finding.line),
  make("span", { class: "what" }, rule.name || finding.rule),
  finding.verdict ? make("span", { class: `verdict verdict-${finding.verdict.status}` }, LABELS.verdict(finding.verdict.status)) : null);
  element.style.top = `${index * rowHeight()}px`;
  element.style.height = `${rowHeight()}px`;
  if (isSelected) list.setAttribute("aria-activedescendant", element.id);
  return element;
}

// Where room is short the folder gives way first.
function whereOf(path, line) {
  const cut = path.lastIndexOf("/") + 1;
  return make("span", { class: "where", title: path },
    make("span", { class: "folder" }, path.slice(0, cut)), make("span", { class: "file" }, `${path.slice(cut)}:${line}`));
}

function reveal(index) {
  const top = index * rowHeight();
  if (top < list.scrollTop) list.scrollTop = top;
  else if (top + rowHeight() > list.scrollTop + list.clientHeight) list.scrollTop = top + rowHeight() - list.clientHeight;
}

function move(by) {
  if (!found.length) return;
  const index = found.indexOf(selected);
  const next = index < 0 ? 0 : Math.min(found.length - 1, Math.max(0, index + by));
  reveal(next);
  select(found[next], document.body.classList.contains("reading"));
}

// Rows are drawn anew once half the spare ones have scrolled into sight.
let awaitsFrame = false;
function drawSoon() {
  if (awaitsFrame || Math.abs(list.scrollTop - drawnAt) < rowHeight() * SPARE / 2) return;
  awaitsFrame = true;
  requestAnimationFrame(() => { awaitsFrame = false; drawRows(); });
}
list.addEventListener("scroll", drawSoon, { passive: true });
isNarrow.addEventListener("change", () => showList(found));
addEventListener("resize", () => requestAnimationFrame(drawRows));
