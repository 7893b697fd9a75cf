/** The types of a draft: a scanned server, what a person may choose, and what comes of it (setup.md §2). */
import type { ScannedTool } from '../risk/risk.ts';

/** A server as a scan saw it. Every text in it is hostile. */
export interface ScannedServer {
  readonly info?: { readonly name: string; readonly version: string };
  readonly protocol?: string;
  /** It declares resources, or prompts. */
  readonly resources: boolean;
  readonly prompts: boolean;
  readonly tools: readonly ScannedTool[];
}

export const PRESETS = ['scaffold', 'suggested', 'read-only', 'strict'] as const;
export type Preset = (typeof PRESETS)[number];

/** A person's choice for one tool. */
export const COLUMNS = ['allow', 'limit', 'approve', 'deny', 'hide'] as const;
export type Column = (typeof COLUMNS)[number];

/** Where the server came from, as the header says it. SECURITY: without arguments, environment or a URL's query. */
export interface ServerOrigin {
  readonly package?: string;
  readonly version?: string;
  readonly command?: string;
}

export interface DraftOptions {
  /** The policy's `name`. */
  readonly name: string;
  readonly preset: Preset;
  /** Such as `2026-11-30`. */
  readonly date: string;
  readonly origin: ServerOrigin;
  /** By the name of a tool, in place of the preset's own choice. */
  readonly columns?: ReadonlyMap<string, Column>;
  /** Lines that stand first in the header, without `#`. */
  readonly header?: readonly string[];
}

/** A tool that no key of a policy can name. */
export interface LeftOut {
  readonly name: string;
  readonly why: string;
}

export interface PolicyDraft {
  readonly text: string;
  readonly leftOut: readonly LeftOut[];
}
