#!/usr/bin/env node
/**
 * The entry. It asks Node.js for its version before anything else is loaded, so it is written in what old ones understand;
 * the rest is loaded when it is asked for, so that a proxy starts with nothing it does not need.
 */
const version = process.versions.node;
const [major = 0, minor = 0] = version.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 13)) {
  process.stderr.write(`intercept: it needs Node.js 22.13 or later, and this is ${version}: install a newer one from https://nodejs.org\n`);
  process.exit(1);
}

import('./program.ts').then(({ main }) => main(process));
