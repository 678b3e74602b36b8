// The server, started as the extension starts it, asked what VS Code's client asks, with what that client can do.
// LLMLINT names the llmlint to start.

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { pathToFileURL } from "node:url";

import {
  type CodeAction,
  CodeActionRequest,
  CodeActionResolveRequest,
  type Command,
  createProtocolConnection,
  type Diagnostic,
  DidOpenTextDocumentNotification,
  ExecuteCommandRequest,
  InitializedNotification,
  InitializeRequest,
  type ProtocolConnection,
  PublishDiagnosticsNotification,
  RegistrationRequest,
  ShowDocumentRequest,
  ShutdownRequest,
  ExitNotification,
  WorkDoneProgressCreateRequest,
} from "vscode-languageserver-protocol/node";

import { commandOf, optionsOf, type Settings } from "../src/server";

const DEFAULTS: Settings = { path: "llmlint", select: [], ignore: [], minConfidence: "", minSeverity: "", config: "" };
const NUMBERS = 'def shown(value: int | float) -> str:\n    return f"{value:g}"\n';

let folder: string;
let server: ChildProcess;
let connection: ProtocolConnection;
let shown: string[];
let diagnostics: Promise<Diagnostic[]>;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "llmlint-vscode-"));
  writeFileSync(join(folder, "llmlint.toml"), "root = true\n");
});

afterEach(async () => {
  await connection.sendRequest(ShutdownRequest.type);
  await connection.sendNotification(ExitNotification.type);
  await new Promise((ended) => server.once("exit", ended));
  connection.dispose();
  rmSync(folder, { recursive: true });
});

async function opened(settings: Partial<Settings>): Promise<string> {
  const chosen = { ...DEFAULTS, minConfidence: "low", path: process.env["LLMLINT"] ?? "llmlint", ...settings };
  const { command, args } = commandOf(chosen, folder);
  server = spawn(command, args, { cwd: folder, stdio: ["pipe", "pipe", "inherit"] });
  connection = createProtocolConnection(server.stdout!, server.stdin!);
  shown = [];
  diagnostics = new Promise((told) => {
    connection.onNotification(PublishDiagnosticsNotification.type, (sent) => told(sent.diagnostics));
  });
  connection.onRequest(ShowDocumentRequest.type, ({ uri }) => {
    shown.push(uri);
    return { success: true };
  });
  connection.onRequest(RegistrationRequest.type, () => undefined);
  connection.onRequest(WorkDoneProgressCreateRequest.type, () => undefined);
  connection.listen();
  await connection.sendRequest(InitializeRequest.type, {
    processId: process.pid,
    rootUri: pathToFileURL(folder).href,
    initializationOptions: optionsOf(chosen, folder),
    capabilities: {
      workspace: {
        workspaceEdit: { documentChanges: true, snippetEditSupport: true },
        didChangeWatchedFiles: { dynamicRegistration: true },
      },
      window: { workDoneProgress: true, showDocument: { support: true } },
    },
  });
  await connection.sendNotification(InitializedNotification.type, {});
  const uri = pathToFileURL(join(folder, "numbers.py")).href;
  const textDocument = { uri, languageId: "python", version: 1, text: NUMBERS };
  await connection.sendNotification(DidOpenTextDocumentNotification.type, { textDocument });
  return uri;
}

async function actions(uri: string, only?: string[]): Promise<(CodeAction | Command)[]> {
  const at = { start: { line: 1, character: 0 }, end: { line: 1, character: 1 } };
  const context = { diagnostics: [], ...(only ? { only } : {}) };
  return (await connection.sendRequest(CodeActionRequest.type, { textDocument: { uri }, range: at, context })) ?? [];
}

test("a finding is a diagnostic with the rule's code", async () => {
  await opened({});
  const [finding, ...others] = await diagnostics;
  assert.equal(finding?.code, "LLM401");
  assert.deepEqual(others, []);
});

test("the settings of the editor reach the server", async () => {
  await opened({ ignore: ["LLM401"] });
  assert.deepEqual(await diagnostics, []);
});

test("saving with source.fixAll mends what is safe to mend", async () => {
  const uri = await opened({});
  await diagnostics;
  const [fix] = await actions(uri, ["source.fixAll"]);
  const resolved = await connection.sendRequest(CodeActionResolveRequest.type, fix as CodeAction);
  assert.deepEqual(resolved.edit?.changes?.[uri]?.map((edit) => edit.newText), ['    return f"{value}"\n']);
});

test("ignoring leaves the cursor at the reason", async () => {
  const uri = await opened({});
  await diagnostics;
  const ignore = (await actions(uri, ["quickfix"])).find((action) => action.title.startsWith("Ignore"));
  const [change] = (ignore as CodeAction).edit?.documentChanges ?? [];
  assert.ok(change && "edits" in change);
  const [edit] = change.edits;
  assert.ok(edit && "snippet" in edit);
  assert.equal(edit.snippet.value, "    # llmlint: ignore[LLM401] ${1:why}\n");
});

test("explaining opens the rule's page", async () => {
  const uri = await opened({});
  await diagnostics;
  const explain = (await actions(uri)).find((action) => action.title.startsWith("Explain")) as Command;
  await connection.sendRequest(ExecuteCommandRequest.type, { command: explain.command, arguments: explain.arguments! });
  assert.match(shown.join(), /float-serialised-int\.md$/);
});
