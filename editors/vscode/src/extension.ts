// Starts `llmlint lsp`, starts it anew when a setting of ours changes, and says what to do when there is none.

import * as vscode from "vscode";
import { LanguageClient, type LanguageClientOptions, RevealOutputChannelOn, type ShowDocumentRequest } from "vscode-languageclient/node";

import { commandOf, LANGUAGES, optionsOf, type Settings } from "./server";

const RESTARTING = ["path", "select", "ignore", "minConfidence", "minSeverity", "config"].map((key) => `llmlint.${key}`);

let client: LanguageClient | undefined;
let log: vscode.LogOutputChannel;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  log = vscode.window.createOutputChannel("llmlint", { log: true });
  context.subscriptions.push(
    log,
    vscode.commands.registerCommand("llmlint.restart", restart),
    vscode.commands.registerCommand("llmlint.showLog", () => log.show()),
    vscode.workspace.onDidGrantWorkspaceTrust(restart),
    vscode.workspace.onDidChangeConfiguration(async (change) => {
      if (RESTARTING.some((name) => change.affectsConfiguration(name))) await restart();
    }),
  );
  await start();
}

export async function deactivate(): Promise<void> {
  await stop();
}

async function restart(): Promise<void> {
  await stop();
  await start();
}

async function stop(): Promise<void> {
  const stopping = client;
  client = undefined;
  if (stopping?.needsStop()) await stopping.stop();
}

async function start(): Promise<void> {
  const settings = current();
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath;
  const { command, args } = commandOf(settings, folder);
  const starting = new LanguageClient("llmlint", "llmlint", { command, args }, clientOptions(settings, folder));
  client = starting;
  try {
    await starting.start();
  } catch (error) {
    log.error(`${command} ${args.join(" ")}: ${error instanceof Error ? error.message : String(error)}`);
    await sayWhatIsMissing(command);
  }
}

function current(): Settings {
  const set = vscode.workspace.getConfiguration("llmlint");
  return {
    path: set.get("path", "llmlint"),
    select: set.get("select", []),
    ignore: set.get("ignore", []),
    minConfidence: set.get("minConfidence", ""),
    minSeverity: set.get("minSeverity", ""),
    config: set.get("config", ""),
  };
}

function clientOptions(settings: Settings, folder: string | undefined): LanguageClientOptions {
  return {
    documentSelector: LANGUAGES.map((language) => ({ scheme: "file", language })),
    initializationOptions: optionsOf(settings, folder),
    outputChannel: log,
    revealOutputChannelOn: RevealOutputChannelOn.Never,
    middleware: { window: { showDocument } },
  };
}

/** A rule's page is Markdown: it is shown as it is meant to be read. */
const showDocument: ShowDocumentRequest.MiddlewareSignature = async (params, token, next) => {
  const page = vscode.Uri.parse(params.uri);
  if (!page.path.endsWith(".md")) return next(params, token);
  await vscode.commands.executeCommand("markdown.showPreviewToSide", page);
  return { success: true };
};

async function sayWhatIsMissing(command: string): Promise<void> {
  const openSettings = "Open settings";
  const showLog = "Show log";
  const said = await vscode.window.showErrorMessage(
    `llmlint: ${command} did not start. Install llmlint with its extra lsp (pip install 'llmlint-serving[lsp]'), or say in llmlint.path where it is.`,
    openSettings,
    showLog,
  );
  if (said === openSettings) await vscode.commands.executeCommand("workbench.action.openSettings", "llmlint.path");
  if (said === showLog) log.show();
}
