// The list of findings. Only the rows in sight exist, so that thousands scroll as smoothly as ten.

// In a narrow list the rule has a line of its own. `page.css` knows the same width.
const isNarrow = () => list.clientWidth <= 560;
const rowHeight = () => (isNarrow() ? 98 : 76);
const HEAD_HEIGHT = 34;
const SPARE = 6;

const list = document.getElementById("list");
const rows = document.getElementById("rows");
let found = []; // what can be walked through: findings of closed groups are not
let places = []; // rows and heads of groups, each with where it lies
let selected = null;
let drawnAt = 0;

function showList(findings) {
  found = [];
  places = [];
  let top = 0;
  const lay = (height, what) => { places.push({ top, height, ...what }); top += height; };
  for (const [key, members] of wanted.group ? grouped(findings) : [["", findings]]) {
    if (wanted.group) lay(HEAD_HEIGHT, { key, count: members.length });
    if (wanted.closed.has(key)) continue;
    for (const finding of members) lay(rowHeight(), { index: found.push(finding) - 1 });
  }
  rows.style.height = `${Math.max(top, rowHeight())}px`;
  list.scrollTop = 0;
  drawRows();
}

function drawRows() {
  if (!places.length) {
    rows.replaceChildren(make("p", { class: "empty" }, report.findings.length
      ? "No finding matches. Press x to clear the filters." : "Nothing found: the scan came back clean."));
    return;
  }
  drawnAt = list.scrollTop;
  const spare = SPARE * rowHeight();
  const end = drawnAt + list.clientHeight + spare;
  const drawn = [];
  for (let at = firstAt(drawnAt - spare); at < places.length && places[at].top < end; at += 1) drawn.push(placed(places[at]));
  rows.replaceChildren(...drawn);
}

// The first place that ends below a height.
function firstAt(height) {
  let [low, high] = [0, places.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (places[middle].top + places[middle].height <= height) low = middle + 1;
    else high = middle;
  }
  return low;
}

function placed(place) {
  const element = place.key === undefined ? row(found[place.index], place.index) : groupHead(place);
  element.style.top = `${place.top}px`;
  element.style.height = `${place.height}px`;
  return element;
}

function groupHead({ key, count }) {
  const isClosed = wanted.closed.has(key);
  const toggleGroup = () => { if (!wanted.closed.delete(key)) wanted.closed.add(key); const at = list.scrollTop; showList(matching()); list.scrollTop = at; drawRows(); };
  return make("div", { class: `group${isClosed ? " closed" : ""}`, role: "presentation", title: key, onclick: toggleGroup },
    make("span", { class: "name" }, LABELS[wanted.group](key)), make("span", { class: "count" }, String(count)));
}

function row(finding, index) {
  const rule = ruleOf(finding);
  const isSelected = finding === selected;
  const element = make("div", {
    class: `finding ${finding.severity}${finding.suppressed ? " suppressed" : ""}`, role: "option", id: `row-${index}`, "aria-selected": String(isSelected),
    "aria-setsize": found.length, "aria-posinset": index + 1, onclick: () => select(finding, true),
  },
  make("span", { class: "severity" }, finding.severity),
  make("span", { class: "message", title: finding.message }, finding.message),
  whereOf(finding.path, finding.line),
  make("span", { class: "what" }, rule.name || finding.rule),
  finding.verdict ? make("span", { class: `verdict verdict-${finding.verdict.status}` }, LABELS.verdict(finding.verdict.status)) : null);
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
  const { top, height } = places.find((place) => place.index === index);
  if (top < list.scrollTop) list.scrollTop = top;
  else if (top + height > list.scrollTop + list.clientHeight) list.scrollTop = top + height - list.clientHeight;
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

let wasNarrow = isNarrow();
addEventListener("resize", () => requestAnimationFrame(() => {
  if (isNarrow() !== wasNarrow) showList(matching());
  else drawRows();
  wasNarrow = isNarrow();
}));
