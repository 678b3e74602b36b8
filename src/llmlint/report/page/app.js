// Puts the parts together: filters redraw charts and list, keys and buttons do the same things.

const search = document.getElementById("search");

function refresh() {
  const findings = matching();
  document.getElementById("shown").textContent = findings.length.toLocaleString("en");
  document.getElementById("of").textContent = findings.length === report.findings.length
    ? (findings.length === 1 ? "finding" : "findings") : `of ${report.findings.length.toLocaleString("en")} findings`;
  drawCharts(choose);
  drawChips();
  for (const facet of ["rule", "confidence"]) {
    const chosen = wanted.chosen[facet];
    document.getElementById(facet).value = chosen.size === 1 ? [...chosen][0] : "";
  }
  showList(findings);
  if (selected && !findings.includes(selected)) leave();
}

// The finding in view is not in the list any more: the first one that is takes its place where there is room for both.
function leave() {
  if (found.length && isWide()) return select(found[0], false);
  selected = null;
  document.body.classList.remove("reading");
  drawDetail();
}

const isWide = () => innerWidth > 860;

function choose(facet, key) {
  toggle(facet, key);
  refresh();
  const again = [...document.querySelectorAll(".bar")].find((b) => b.dataset.facet === facet && b.dataset.key === key);
  if (again) again.focus();
}

function drawChips() {
  const chips = [];
  for (const [facet, chosen] of Object.entries(wanted.chosen)) {
    for (const key of chosen) {
      const label = LABELS[facet](key);
      chips.push(make("button", { type: "button", "aria-label": `Remove filter ${label}`, onclick: () => { toggle(facet, key); refresh(); } },
        facet === "file" ? shortened(label, 36) : label, make("span", { "aria-hidden": "true" }, "×")));
    }
  }
  if (chips.length || wanted.search) chips.push(make("button", { type: "button", class: "clear", onclick: clearFilters }, "Clear all"));
  document.getElementById("chips").replaceChildren(...chips);
}

function clearFilters() {
  clearAll();
  search.value = "";
  refresh();
}

function fillSelect(facet, keys, any) {
  const element = document.getElementById(facet);
  const options = keys.map((key) => make("option", { value: key }, LABELS[facet](key)));
  element.replaceChildren(make("option", { value: "" }, any), ...options);
  element.addEventListener("change", () => {
    wanted.chosen[facet].clear();
    if (element.value) wanted.chosen[facet].add(element.value);
    refresh();
  });
}

function remembered(name, value) {
  try {
    if (value !== undefined) localStorage.setItem(name, value);
    return localStorage.getItem(name);
  } catch (error) {
    return null; // a page opened from a file may have no storage
  }
}

function isDark() {
  const theme = document.documentElement.dataset.theme;
  return theme ? theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

function switchTheme() {
  const theme = isDark() ? "light" : "dark";
  document.documentElement.dataset.theme = theme;
  remembered("llmlint-theme", theme);
}

const KEYS = {
  j: () => move(1), ArrowDown: () => move(1), k: () => move(-1), ArrowUp: () => move(-1),
  PageDown: () => move(8), PageUp: () => move(-8), Home: () => move(-found.length), End: () => move(found.length),
  n: () => moveStep(1), ArrowRight: () => moveStep(1), p: () => moveStep(-1), ArrowLeft: () => moveStep(-1),
  Enter: () => { if (selected) { document.body.classList.add("reading"); detail.focus(); } },
  "/": () => search.focus(), x: clearFilters, c: copyComment, t: switchTheme, "?": () => document.getElementById("help").showModal(),
  Escape: closeDetail,
};

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.getElementById("help").open) return;
  const tag = event.target.tagName;
  if (tag === "INPUT" || tag === "SELECT") {
    if (event.key === "Escape" || (event.key === "Enter" && tag === "INPUT")) { event.preventDefault(); list.focus(); if (!selected) move(1); }
    return;
  }
  if (event.key === "Enter" && ["BUTTON", "A", "SUMMARY"].includes(tag)) return;
  if (event.key.startsWith("Arrow") && event.target.closest(".lines, .detail")) {
    if (event.key === "ArrowUp" || event.key === "ArrowDown") return; // scrolls the detail
  }
  const action = KEYS[event.key];
  if (action) { event.preventDefault(); action(); }
});

function start() {
  const theme = remembered("llmlint-theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  document.title = `llmlint: ${report.project}`;
  document.getElementById("project").textContent = report.project;
  const counts = report.counts;
  document.getElementById("scale").textContent =
    `${counts.scanned.toLocaleString("en")} files, ${counts.lines.toLocaleString("en")} lines, llmlint ${report.version}` +
    (report.made ? `. ${report.made}` : "");
  if (report.notes.length) {
    const notes = report.notes.map((note) => make("li", null, note));
    document.getElementById("aside").append(make("details", { class: "notes" },
      make("summary", null, `${notes.length} file${notes.length === 1 ? "" : "s"} not fully read`), make("ul", null, ...notes)));
  }
  fillSelect("rule", [...tally(report.findings, "rule").keys()].sort(), "all rules");
  fillSelect("confidence", CONFIDENCES.filter((key) => tally(report.findings, "confidence").has(key)), "any");
  document.getElementById("group").addEventListener("change", (event) => { wanted.group = event.target.value; wanted.closed.clear(); refresh(); });
  document.getElementById("csv").addEventListener("click", saveCsv);
  document.getElementById("overview").addEventListener("click", (event) => {
    event.currentTarget.setAttribute("aria-expanded", String(document.body.classList.toggle("overview")));
    drawRows();
  });
  document.getElementById("tools").addEventListener("submit", (event) => event.preventDefault());
  search.addEventListener("input", () => { wanted.search = search.value.trim(); refresh(); });
  document.getElementById("theme").addEventListener("click", switchTheme);
  document.getElementById("keys").addEventListener("click", KEYS["?"]);
  refresh();
  const linked = decodeURIComponent(location.hash.slice(1));
  const opened = report.findings.find((finding) => finding.fingerprint === linked);
  if (opened) { select(opened, true); reveal(found.indexOf(opened)); } else if (found.length && isWide()) select(found[0], false);
  else drawDetail();
}

start();
