/**
 * The Redis client without what is never called: wrappers of 400 commands, cluster, sentinel, and a table of what may be
 * cached. Ours are sent as words. With them it would be a quarter of the package.
 */
import type { BunPlugin } from 'bun';

/** Files that are read in another form. */
const INSTEAD: Readonly<Record<string, string>> = {
  'index.js': `
    exports.createClient = require('./lib/client').default.create;
    exports.ErrorReply = require('./lib/errors').ErrorReply;`,
  // Those that greet a server.
  'lib/commands/index.js': `
    exports.default = {
      AUTH: require('./AUTH').default,
      CLIENT_SETNAME: require('./CLIENT_SETNAME').default,
      READONLY: require('./READONLY').default,
    };
    exports.NON_STICKY_COMMANDS = {};`,
  'lib/command-metadata/command-metadata-data.js': 'exports.COMMAND_METADATA = {};',
};

export const SMALL_REDIS: BunPlugin = {
  name: 'small redis',
  setup(build) {
    // Asked for only by who measures with it.
    build.onLoad({ filter: /@opentelemetry[\\/]api[\\/]/ }, () => ({ contents: '', loader: 'js' }));
    for (const [file, contents] of Object.entries(INSTEAD)) {
      const filter = new RegExp(`@redis[\\\\/]client[\\\\/]dist[\\\\/]${file.replaceAll('/', '[\\\\/]').replaceAll('.js', '\\.js')}$`);
      build.onLoad({ filter }, () => ({ contents, loader: 'js' }));
    }
  },
};
