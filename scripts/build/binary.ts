/** The standalone binary: our code as bytecode, in a copy of Bun. */
import { join } from 'node:path';
import { ARCHIVE_PATH } from './archive.ts';
import { ROOT } from './paths.ts';

export interface BinaryOptions {
  readonly outfile: string;
  /** The platform to build for; this one without it. */
  readonly target?: Bun.Build.CompileTarget;
  /** The Bun of that platform; Bun fetches it itself without it. */
  readonly runtime?: string;
}

/** Builds one binary. Rejects with what the bundler says. */
export async function buildBinary({ outfile, target, runtime }: BinaryOptions): Promise<void> {
  await Bun.build({
    // The second is no code: it is carried as it is, beside the code, and costs a start nothing.
    entrypoints: [join(ROOT, 'src/cli/main.ts'), ARCHIVE_PATH],
    naming: { asset: '[name].[ext]' },
    format: 'esm',
    minify: true,
    // Parsing the bundle at each start costs more than reading 4 MB of bytecode.
    bytecode: true,
    compile: {
      outfile,
      ...(target ? { target } : {}),
      ...(runtime ? { executablePath: runtime } : {}),
      // SECURITY: the folder that a proxy is started in must not decide what it runs (bunfig.toml's `preload`) nor what
      // stands in its environment and so in the server's (.env).
      autoloadBunfig: false,
      autoloadDotenv: false,
      autoloadPackageJson: false,
      autoloadTsconfig: false,
    },
  });
}

/** A program's file name on a platform. */
export function binaryName(name: string, platform: string): string {
  return platform === 'win32' || platform === 'windows' ? `${name}.exe` : name;
}
