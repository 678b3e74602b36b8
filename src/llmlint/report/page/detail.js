// One finding: what is wrong, why it is believed, and the path of evidence with the code of the step in view.

const detail = document.getElementById("detail");
let step = 0;

// The steps to walk: the finding's own place comes first unless the evidence already names it.
function stepsOf(finding) {
  const steps = (finding.evidence || []).map((s) => ({ path: s.path, line: s.line, message: s.message }));
  if (!steps.some((s) => s.path === finding.path && s.line === finding.line)) {
    steps.unshift({ path: finding.path, line: finding.line, message: "reported here" });
  }
  return steps.map((s, index) => ({ ...s, number: index + 1 }));
}

function select(finding, opens) {
  selected = finding;
  step = 0;
  if (opens) document.body.classList.add("reading");
  history.replaceState(null, "", `#${encodeURIComponent(finding.fingerprint)}`);
  drawRows();
  drawDetail();
  detail.scrollTop = 0;
}

function moveStep(by) {
  if (!selected) return;
  const count = stepsOf(selected).length;
  step = Math.min(count - 1, Math.max(0, step + by));
  drawDetail();
  detail.querySelector(".step[aria-current]").scrollIntoView({ block: "nearest" });
}

function drawDetail() {
  if (!selected) {
    detail.replaceChildren(make("p", { class: "empty" }, report.findings.length
      ? "Choose a finding to see its code and the path of its evidence." : ""));
    return;
  }
  const finding = selected;
  const rule = ruleOf(finding);
  const parts = [
    make("button", { type: "button", class: "back", onclick: closeDetail }, "‹ Findings"),
    make("p", { class: "kind" },
      make("span", { class: `severity ${finding.severity}` }, LABELS.severity(finding.severity)),
      rule.url ? make("a", { href: rule.url, rel: "noopener noreferrer", target: "_blank" }, `${finding.rule} ${rule.name}`) : finding.rule,
      make("span", { class: "chapter" }, LABELS.chapter(rule.chapter))),
    make("h2", null, finding.message),
    make("p", { class: "place" }, `${finding.path}:${finding.line}:${finding.column}`,
      finding.symbol ? make("span", { class: "symbol" }, finding.symbol) : null),
    verdict(finding),
    evidence(finding),
    facts(finding),
    silencing(finding),
    make("details", { class: "about" }, make("summary", null, rule.title || "About this rule"), make("p", null, rule.about)),
  ];
  detail.replaceChildren(...parts.filter(Boolean));
}

function closeDetail() {
  document.body.classList.remove("reading");
  list.focus();
}

function verdict(finding) {
  const said = finding.verdict;
  if (!said) return null;
  return make("section", { class: `said verdict-${said.status}` },
    make("h3", null, `Traced run: ${LABELS.verdict(said.status)}`),
    make("p", null, said.summary),
    ...(said.evidence || []).map((line) => make("p", { class: "seen" }, line)),
    said.reproduce ? make("pre", null, said.reproduce) : null);
}

function evidence(finding) {
  const steps = stepsOf(finding);
  const current = steps[step];
  const rail = steps.map((s, index) => make("li", null,
    make("button", {
      type: "button", class: "step", "aria-current": index === step ? "step" : false,
      onclick: () => { step = index; drawDetail(); },
    },
    make("b", { class: "badge" }, String(s.number)),
    make("span", { class: "said-here" }, s.message),
    s.path === finding.path ? make("span", { class: "where" }, `line ${s.line}`) : whereOf(s.path, s.line))));
  return make("section", { class: "evidence", "aria-label": "Evidence" },
    make("div", { class: "walk" },
      make("h3", null, steps.length > 1 ? `Evidence, step ${step + 1} of ${steps.length}` : "Where"),
      steps.length > 1 ? make("button", { type: "button", id: "previous", disabled: step === 0, onclick: () => moveStep(-1) }, "‹ Previous") : null,
      steps.length > 1 ? make("button", { type: "button", id: "next", disabled: step === steps.length - 1, onclick: () => moveStep(1) }, "Next ›") : null),
    make("ol", { class: "rail" }, ...rail),
    make("figure", { class: "code" },
      make("figcaption", null, `${current.path}:${current.line}`),
      make("div", { class: "lines", tabindex: 0 }, ...excerpt(current.path, current.line, steps, 5))));
}

function facts(finding) {
  const entries = [
    ["Fix", finding.fix], ["Confidence", `${finding.confidence}${finding.confidence_reason ? `: ${finding.confidence_reason}` : ""}`],
    ["Cause", (finding.causes || []).join(", ")], ["Suppressed", finding.suppressed && (finding.suppressed.reason || "without a reason")],
    ["Fingerprint", finding.fingerprint],
  ];
  const shown = entries.filter(([, value]) => value);
  return make("dl", { class: "facts" }, ...shown.flatMap(([name, value]) => [make("dt", null, name), make("dd", null, value)]));
}

// The comment that silences a finding, with the reason for it, to be copied above its line.
function silencing(finding) {
  const comment = make("code", { id: "comment" });
  const why = make("input", { id: "why", placeholder: "Why it is meant to be so", "aria-label": "Reason", autocomplete: "off" });
  const write = () => { comment.textContent = `${isPython(finding.path) ? "#" : "//"} llmlint: ignore[${finding.rule}] ${why.value.trim() || "why"}`; };
  why.addEventListener("input", write);
  write();
  const copies = make("button", { type: "button", id: "copy", title: "Copy the comment (c)", onclick: copyComment }, "Copy");
  return make("section", { class: "silence" }, make("h3", null, `Silence it: a comment above line ${finding.line}, with the reason`), why, make("div", { class: "comment" }, comment, copies));
}

async function copyComment() {
  const comment = document.getElementById("comment");
  if (!comment) return;
  try {
    await navigator.clipboard.writeText(comment.textContent);
  } catch (error) { // no clipboard for this page: what is selected can be copied by hand
    getSelection().selectAllChildren(comment);
    if (!document.execCommand("copy")) return;
  }
  document.getElementById("copy").textContent = "Copied";
}
