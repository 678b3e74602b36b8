// Bar charts beside the list. A bar's pale length is all findings, the strong one those left by the other filters; it filters too.

const CHARTS = [
  ["Severity", "severity", Object.keys(SEVERITIES)],
  ["Cause", "cause", null],
  ["Chapter", "chapter", null],
  ["Verdict of traced runs", "verdict", Object.keys(VERDICTS)],
  ["Files with most", "file", null],
];
const MOST_BARS = 5;

function drawCharts(onChoose) {
  const place = document.getElementById("charts");
  const shown = CHARTS.filter(([, facet]) => facet !== "verdict" || report.findings.some((finding) => finding.verdict));
  place.replaceChildren(...shown.map(([title, facet, keys]) => chart(title, facet, keys, onChoose)));
}

function chart(title, facet, fixedKeys, onChoose) {
  const all = tally(report.findings, facet);
  const left = tally(report.findings.filter((finding) => matches(finding, facet)), facet);
  const keys = (fixedKeys || [...all.keys()].sort((a, b) => all.get(b) - all.get(a) || (a < b ? -1 : 1)))
    .filter((key) => all.has(key)).slice(0, fixedKeys ? fixedKeys.length : facet === "chapter" ? Infinity : MOST_BARS);
  const most = Math.max(1, ...keys.map((key) => all.get(key)));
  const bars = keys.map((key) => bar(facet, key, all.get(key), left.get(key) || 0, most, onChoose));
  return make("figure", { class: `chart chart-${facet}` }, make("figcaption", null, title), ...bars);
}

function bar(facet, key, count, left, most, onChoose) {
  const chosen = wanted.chosen[facet];
  const label = LABELS[facet](key);
  const attributes = {
    type: "button", class: `bar ${chosen.size && !chosen.has(key) ? "off" : ""}`, "data-facet": facet, "data-key": key,
    "aria-pressed": String(chosen.has(key)), "aria-label": `${label}: ${left} of ${count}`, title: label,
    onclick: () => onChoose(facet, key),
  };
  return make("button", attributes,
    make("span", { class: "label" }, facet === "file" ? shortened(label, 30) : label),
    make("span", { class: "count" }, left === count ? String(count) : `${left}/${count}`),
    make("span", { class: "track" }, length("all", count, most), length(`left left-${key}`, left, most)));
}

function length(kind, part, most) {
  const element = make("i", { class: kind });
  element.style.width = `${(100 * part) / most}%`;
  return element;
}

// A long path keeps its end, where files differ.
function shortened(path, most) {
  return path.length <= most ? path : `…${path.slice(path.length - most + 1)}`;
}
