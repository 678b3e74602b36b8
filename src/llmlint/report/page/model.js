"use strict";
// The report's data, and which findings the reader has asked for.

const report = JSON.parse(document.getElementById("data").textContent);

const SEVERITIES = { P0: "P0 critical", P1: "P1 high", P2: "P2 medium", P3: "P3 low" };
const CONFIDENCES = ["certain", "high", "medium", "low"];
const VERDICTS = {
  confirmed: "confirmed", suspicious: "suspicious", refuted: "refuted", "exercised-clean": "ran clean",
  "not-exercised": "not reached", untestable: "untestable", none: "not traced",
};

function ruleOf(finding) {
  return report.rules[finding.rule] || { name: "", title: "", chapter: "", about: "", url: "" };
}

// What a finding counts as in each chart and filter.
const FACETS = {
  chapter: (finding) => ruleOf(finding).chapter,
  severity: (finding) => finding.severity,
  file: (finding) => finding.path,
  verdict: (finding) => (finding.verdict ? finding.verdict.status : "none"),
  rule: (finding) => finding.rule,
  confidence: (finding) => finding.confidence,
};

const LABELS = {
  chapter: (key) => report.chapters[key] || key,
  severity: (key) => SEVERITIES[key] || key,
  file: (key) => key,
  verdict: (key) => VERDICTS[key] || key,
  rule: (key) => `${key} ${(report.rules[key] || {}).name || ""}`,
  confidence: (key) => `${key} confidence`,
};

const ORDERS = {
  worst: () => 0, // the report comes worst first
  file: (a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : a.line - b.line),
  rule: (a, b) => (a.rule < b.rule ? -1 : a.rule > b.rule ? 1 : 0),
};

for (const finding of report.findings) {
  const words = [finding.message, finding.symbol, finding.path, finding.rule, ruleOf(finding).name, finding.fingerprint];
  finding.searched = words.join("\n").toLowerCase();
}

const wanted = { search: "", order: "worst", chosen: {} };
for (const facet of Object.keys(FACETS)) wanted.chosen[facet] = new Set();

function toggle(facet, key) {
  const chosen = wanted.chosen[facet];
  if (!chosen.delete(key)) chosen.add(key);
}

function clearAll() {
  wanted.search = "";
  for (const chosen of Object.values(wanted.chosen)) chosen.clear();
}

function matches(finding, exceptFacet) {
  for (const [facet, chosen] of Object.entries(wanted.chosen)) {
    if (facet !== exceptFacet && chosen.size && !chosen.has(FACETS[facet](finding))) return false;
  }
  const words = wanted.search.toLowerCase().split(/\s+/);
  return words.every((word) => finding.searched.includes(word));
}

function matching() {
  const found = report.findings.filter((finding) => matches(finding));
  return wanted.order === "worst" ? found : found.sort(ORDERS[wanted.order]);
}

function tally(findings, facet) {
  const counts = new Map();
  for (const finding of findings) {
    const key = FACETS[facet](finding);
    counts.set(key, (counts.get(key) || 0) + 1);
  }
  return counts;
}

// Every piece of the page is made here; what comes from the report is only ever text.
function make(tag, attributes, ...children) {
  const inSvg = ["svg", "g", "rect", "text", "title"].includes(tag) && !(attributes && attributes.html);
  const element = inSvg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== false && value !== undefined) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}
