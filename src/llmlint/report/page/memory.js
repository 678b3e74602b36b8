// Memory over time, as a traced run sampled it: one process and place at a time, in a dialog of its own.

const MEMORY = [
  ["total", "Total"], ["used", "Used, by everybody"], ["reserved", "Reserved by this process"], ["allocated", "Allocated of it"],
  ["largest", "Largest free block of it"],
];
const AREA = { width: 860, height: 260, left: 74, right: 26, top: 10, bottom: 30 };
const memoryDialog = document.getElementById("memory");
const memoryWanted = { which: 0, at: 0, shown: new Set() };

function startMemory() {
  const button = document.getElementById("measured");
  if (!report.memory.length) return;
  button.hidden = false;
  button.addEventListener("click", showMemory);
  if (!report.findings.length) showMemory();
}

function showMemory() {
  chooseMemory(0);
  memoryDialog.showModal();
}

function chooseMemory(which) {
  const timeline = report.memory[which];
  memoryWanted.which = which;
  memoryWanted.at = timeline.samples.length - 1;
  const most = Math.max(...valuesOf(timeline, "reserved"));
  // What the machine has would press all else flat where a process takes little of it.
  const fits = Math.max(...valuesOf(timeline, "total")) <= 8 * most;
  memoryWanted.shown = new Set(MEMORY.map(([name]) => name).filter((name) => known(timeline, name) && (fits || !["total", "used"].includes(name))));
  drawMemory();
}

const valuesOf = (timeline, name) => timeline.samples.map((sample) => sample[timeline.columns.indexOf(name)]);
const known = (timeline, name) => valuesOf(timeline, name).some((value) => value >= 0);

function drawMemory() {
  const timeline = report.memory[memoryWanted.which];
  document.getElementById("memory-body").replaceChildren(
    whichMemory(), legend(timeline), memoryChart(timeline), slider(timeline), figures(timeline), ...holders(timeline), ...sizes(timeline));
}

function whichMemory() {
  const options = report.memory.map((one, index) => make("option", { value: index, selected: index === memoryWanted.which }, `${one.process}, ${one.place}`));
  return make("label", null, "Memory of ", make("select", { id: "memory-of", onchange: (event) => chooseMemory(Number(event.target.value)) }, ...options));
}

function legend(timeline) {
  const chips = MEMORY.filter(([name]) => known(timeline, name)).map(([name, label]) => make("button", {
    type: "button", class: `series series-${name}`, "aria-pressed": String(memoryWanted.shown.has(name)),
    onclick: () => { if (!memoryWanted.shown.delete(name)) memoryWanted.shown.add(name); drawMemory(); },
  }, make("i", null), label));
  return make("p", { class: "legend" }, ...chips);
}

function drawn(tag, attributes, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function scales(timeline) {
  const seconds = valuesOf(timeline, "seconds");
  const last = Math.max(seconds[seconds.length - 1], 1e-9);
  const most = Math.max(1, ...[...memoryWanted.shown].flatMap((name) => valuesOf(timeline, name)));
  const wide = AREA.width - AREA.left - AREA.right, high = AREA.height - AREA.top - AREA.bottom;
  return { last, most, x: (time) => AREA.left + (wide * time) / last, y: (value) => AREA.top + high * (1 - value / most) };
}

function memoryChart(timeline) {
  const { last, most, x, y } = scales(timeline);
  const parts = [0, 0.25, 0.5, 0.75, 1].flatMap((part) => [
    drawn("line", { class: "grid", x1: AREA.left, x2: AREA.width - AREA.right, y1: y(part * most), y2: y(part * most) }),
    drawn("text", { class: "amount", x: AREA.left - 8, y: y(part * most) + 4 }, bytes(part * most)),
    drawn("text", { class: "time", x: x(part * last), y: AREA.height - 8 }, seconds(part * last)),
  ]);
  const seconds_ = valuesOf(timeline, "seconds");
  for (const name of memoryWanted.shown) parts.push(drawn("path", { class: `line series-${name}`, d: path(seconds_, valuesOf(timeline, name), x, y) }));
  const at = x(seconds_[memoryWanted.at]);
  parts.push(drawn("line", { class: "cursor", x1: at, x2: at, y1: AREA.top, y2: AREA.height - AREA.bottom }));
  const chart = drawn("svg", { viewBox: `0 0 ${AREA.width} ${AREA.height}`, role: "img", "aria-label": `Memory of ${timeline.process}, ${timeline.place}, over time` }, ...parts);
  chart.addEventListener("click", (event) => {
    const box = chart.getBoundingClientRect();
    const time = (((event.clientX - box.left) / box.width) * AREA.width - AREA.left) / (x(last) - AREA.left) * last;
    moveCursor(nearest(seconds_, time));
  });
  return chart;
}

// What the allocator did not tell leaves a gap.
function path(seconds, values, x, y) {
  let pen = "M";
  return values.map((value, index) => {
    if (value < 0) { pen = "M"; return ""; }
    const piece = `${pen}${x(seconds[index]).toFixed(1)} ${y(value).toFixed(1)}`;
    pen = "L";
    return piece;
  }).join("");
}

function nearest(values, wanted) {
  return values.reduce((best, value, index) => (Math.abs(value - wanted) < Math.abs(values[best] - wanted) ? index : best), 0);
}

function moveCursor(at) {
  memoryWanted.at = at;
  drawMemory();
  document.getElementById("memory-at").focus();
}

function slider(timeline) {
  return make("input", {
    type: "range", id: "memory-at", min: 0, max: timeline.samples.length - 1, value: memoryWanted.at, "aria-label": "Moment",
    oninput: (event) => moveCursor(Number(event.target.value)),
  });
}

function figures(timeline) {
  const sample = Object.fromEntries(timeline.columns.map((name, index) => [name, timeline.samples[memoryWanted.at][index]]));
  const entries = [
    ["After", `${seconds(sample.seconds)}, ${sample.step} steps`], ["Total", sample.total], ["Used", sample.used],
    ["Free", sample.used < 0 ? -1 : sample.total - sample.used], ["Reserved", sample.reserved], ["Allocated", sample.allocated],
    ["Free of the reserved", sample.allocated < 0 ? -1 : sample.reserved - sample.allocated], ["Largest free block", sample.largest],
  ];
  return make("dl", { class: "figures" }, ...entries.map(([name, value]) => make("div", null, make("dt", null, name),
    make("dd", null, typeof value === "string" ? value : value < 0 ? "not told" : bytes(value)))));
}

function holders(timeline) {
  if (!timeline.holders.length) return [];
  const rows = timeline.holders.slice(0, 12).map((holder) => {
    const first = holder.points[0], last = holder.points[holder.points.length - 1];
    return make("tr", { class: holder.grows ? "grows" : "" }, make("td", null, holder.place), make("td", null, `${first[1]} → ${last[1]}`),
      make("td", null, `${bytes(first[2])} → ${bytes(last[2])}`), make("td", null, holder.grows ? "grows" : ""));
  });
  return [table(["Line that made them", "Tensors held", "Bytes held", ""], rows)];
}

function sizes(timeline) {
  if (!timeline.sizes.length) return [];
  const rows = timeline.sizes.slice(0, 12).map((one) => make("tr", null, make("td", null, one.place), make("td", null, String(one.allocations)),
    make("td", null, one.sizes === 1 ? bytes(one.least) : `${one.sizes}: ${bytes(one.least)} to ${bytes(one.most)}`), make("td", null, bytes(one.bytes))));
  return [table(["Line that allocates", "How often", "Sizes", "Bytes"], rows)];
}

function table(heads, rows) {
  return make("table", null, make("thead", null, make("tr", null, ...heads.map((head) => make("th", { scope: "col" }, head)))), make("tbody", null, ...rows));
}

function bytes(count) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(1, count)) / 10)));
  const value = count / 1024 ** power;
  return `${power && value < 100 ? value.toFixed(1) : Math.round(value)} ${units[power]}`;
}

function seconds(count) {
  return count < 90 ? `${count < 10 ? count.toFixed(1) : Math.round(count)} s` : `${(count / 60).toFixed(1)} min`;
}

startMemory();
