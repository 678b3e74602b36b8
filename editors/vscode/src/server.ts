// How the server is started, and what it is told of the editor's settings. Knows nothing of VS Code.

import { homedir } from "node:os";

export interface Settings {
  readonly path: string;
  readonly select: readonly string[];
  readonly ignore: readonly string[];
  readonly minConfidence: string;
  readonly minSeverity: string;
  readonly config: string;
}

/** The languages that llmlint reads, as VS Code calls them. */
export const LANGUAGES = ["python", "c", "cpp", "cuda-cpp"] as const;

export function commandOf(settings: Settings, folder: string | undefined): { command: string; args: string[] } {
  return { command: placed(settings.path.trim() || "llmlint", folder), args: ["lsp"] };
}

/** The initialization options: only what is set, so that a project's own settings hold for the rest. */
export function optionsOf(settings: Settings, folder: string | undefined): Record<string, unknown> {
  const { select, ignore, minConfidence, minSeverity } = settings;
  const config = settings.config ? placed(settings.config, folder) : "";
  return Object.fromEntries(
    Object.entries({ select, ignore, minConfidence, minSeverity, config }).filter(([, value]) => value.length > 0),
  );
}

function placed(path: string, folder: string | undefined): string {
  return path.replace(/^~(?=[/\\])/, homedir()).replaceAll("${workspaceFolder}", folder ?? ".");
}
