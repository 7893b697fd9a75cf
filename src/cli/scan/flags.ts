/** The flags of `intercept scan` as they were written, and what a scan gives to those that print it. */
import type { Preset, ScannedServer } from '../../setup/draft/model.ts';
import type { ToolRisk } from '../../setup/risk/risk.ts';
import type { AskedServer } from '../../setup/server-tools.ts';

export interface ScanFlags extends AskedServer {
  readonly output: string | undefined;
  /** Undefined where none was written. */
  readonly preset: Preset | undefined;
  readonly policy: boolean;
  readonly force: boolean;
  readonly update: boolean;
  readonly check: boolean;
  readonly timeout: number;
  readonly json: boolean;
}

/** A server and the classes of its tools. */
export interface Scanned {
  readonly server: ScannedServer;
  readonly risks: readonly ToolRisk[];
}
