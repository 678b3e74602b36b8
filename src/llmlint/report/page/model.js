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
  cause: (finding) => (finding.causes || ["other"])[0],
};

const LABELS = {
  chapter: (key) => report.chapters[key] || key,
  severity: (key) => SEVERITIES[key] || key,
  file: (key) => key,
  verdict: (key) => VERDICTS[key] || key,
  rule: (key) => `${key} ${(report.rules[key] || {}).name || ""}`,
  confidence: (key) => `${key} confidence`,
  cause: (key) => key.replaceAll("-", " "),
};

for (const finding of report.findings) {
  const words = [finding.message, finding.symbol, finding.path, finding.rule, ruleOf(finding).name, finding.fingerprint];
  finding.searched = words.join("\n").toLowerCase();
}

const wanted = { search: "", group: "", closed: new Set(), chosen: {} };
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

// The report comes worst first, and stays so within each group and among the groups.
function matching() {
  return report.findings.filter((finding) => matches(finding));
}

function grouped(findings) {
  const groups = new Map();
  for (const finding of findings) {
    const key = FACETS[wanted.group](finding);
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(finding);
  }
  return groups;
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
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== false && value !== undefined) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}
