// What the list shows, as a table for a spreadsheet or a script.

const COLUMNS = {
  severity: (finding) => finding.severity, confidence: (finding) => finding.confidence, rule: (finding) => finding.rule,
  name: (finding) => ruleOf(finding).name, cause: FACETS.cause, path: (finding) => finding.path, line: (finding) => finding.line,
  column: (finding) => finding.column, symbol: (finding) => finding.symbol, message: (finding) => finding.message,
  fix: (finding) => finding.fix, verdict: FACETS.verdict, fingerprint: (finding) => finding.fingerprint,
};

// Spreadsheets compute what begins like a formula, so such text gets a mark before it.
function cell(value) {
  const text = String(value ?? "");
  const inert = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(inert) ? `"${inert.replaceAll('"', '""')}"` : inert;
}

function csvOf(findings) {
  const lines = findings.map((finding) => Object.values(COLUMNS).map((of) => cell(of(finding))));
  return [Object.keys(COLUMNS), ...lines].map((line) => `${line.join(",")}\r\n`).join("");
}

function saveCsv() {
  const link = make("a", { href: URL.createObjectURL(new Blob([csvOf(matching())], { type: "text/csv" })), download: `${report.project}-findings.csv` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
