// Four bar charts. A bar's pale length is all findings, the strong one those left by the other filters; it filters too.

const CHARTS = [
  ["Severity", "severity", Object.keys(SEVERITIES)],
  ["Chapter", "chapter", null],
  ["Verdict of traced runs", "verdict", Object.keys(VERDICTS)],
  ["Files with most", "file", null],
];
const MOST_BARS = 5;
const BAR_HEIGHT = 25;

function drawCharts(onChoose) {
  const place = document.getElementById("charts");
  place.replaceChildren(...CHARTS.map(([title, facet, keys]) => chart(title, facet, keys, onChoose)));
}

function chart(title, facet, fixedKeys, onChoose) {
  const all = tally(report.findings, facet);
  const left = tally(report.findings.filter((finding) => matches(finding, facet)), facet);
  const keys = (fixedKeys || [...all.keys()].sort((a, b) => all.get(b) - all.get(a) || (a < b ? -1 : 1)))
    .filter((key) => all.has(key)).slice(0, fixedKeys ? fixedKeys.length : facet === "chapter" ? Infinity : MOST_BARS);
  const most = Math.max(1, ...keys.map((key) => all.get(key)));
  const bars = keys.map((key, index) => bar(facet, key, index, all.get(key), left.get(key) || 0, most, onChoose));
  const svg = make("svg", { height: Math.max(1, keys.length) * BAR_HEIGHT, role: "group", "aria-label": title }, ...bars);
  return make("figure", { class: `chart chart-${facet}` }, make("figcaption", null, title), svg);
}

function bar(facet, key, index, count, left, most, onChoose) {
  const chosen = wanted.chosen[facet];
  const label = LABELS[facet](key);
  const choose = () => onChoose(facet, key);
  const attributes = {
    class: `bar ${chosen.size && !chosen.has(key) ? "off" : ""}`, "data-facet": facet, "data-key": key,
    role: "button", tabindex: 0, "aria-pressed": String(chosen.has(key)), "aria-label": `${label}: ${left} of ${count}`,
    transform: `translate(0 ${index * BAR_HEIGHT})`,
    onclick: choose,
    onkeydown: (event) => {
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); event.stopPropagation(); choose(); }
    },
  };
  const short = facet === "file" ? shortened(label, 30) : label;
  return make("g", attributes,
    make("title", null, `${label}: ${left} of ${count}`),
    make("rect", { class: "hit", width: "100%", height: BAR_HEIGHT - 2 }),
    make("text", { x: 0, y: 12 }, short),
    make("text", { class: "count", x: "100%", y: 12, "text-anchor": "end" }, left === count ? String(count) : `${left}/${count}`),
    make("rect", { class: "all", y: 17, height: 4, rx: 2, width: `${(100 * count) / most}%` }),
    make("rect", { class: `left left-${key}`, y: 17, height: 4, rx: 2, width: `${(100 * left) / most}%` }));
}

// A long path keeps its end, where files differ.
function shortened(path, most) {
  return path.length <= most ? path : `…${path.slice(path.length - most + 1)}`;
}
