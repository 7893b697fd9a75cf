/** The table of rewrites: each shape before and after, and back to the same bytes. */
import { describe, expect, test } from 'bun:test';
import type { ShapeId } from '../../../src/setup/clients/ids.ts';
import type { EntryPath, FileFormat, Front } from '../../../src/setup/clients/types.ts';
import { planUnwrap, planUnwrapUnrecorded } from '../../../src/setup/clients/unwrap.ts';
import { planBridge, planWrap } from '../../../src/setup/clients/wrap.ts';

const FRONT: Front = { program: '/opt/I', before: [], policy: '/p/P.yaml', agent: undefined, env: {} };
const WINDOWS: Front = { ...FRONT, program: 'C:\\I\\intercept.exe', policy: "C:\\it's\\P.yaml" };

interface Row {
  readonly name: string;
  readonly shape: ShapeId;
  readonly at: EntryPath;
  readonly format?: FileFormat;
  readonly front?: Front;
  readonly how?: 'bridge';
  readonly before: string;
  readonly after: string;
}

const ROWS: readonly Row[] = [
  {
    ...{ name: 'command and args', shape: 'claude', at: ['mcpServers', 'x'] },
    before: '{"mcpServers":{"x":{"command":"npx","args":["-y","pkg"],"env":{"K":"${K}"}}}}',
    after: '{"mcpServers":{"x":{"command":"/opt/I","args":["-c","/p/P.yaml","--","npx","-y","pkg"],"env":{"K":"${K}"}}}}',
  },
  {
    ...{ name: 'many lines', shape: 'plain', at: ['m', 'x'] },
    before:
      '{\n\t"m": {\n\t\t"x": {\n\t\t\t"command": "npx", // runs it\n\t\t\t"args": [\n\t\t\t\t// first\n\t\t\t\t"-y",\n\t\t\t\t"pkg", // last\n\t\t\t],\n\t\t},\n\t},\n}\n',
    after:
      '{\n\t"m": {\n\t\t"x": {\n\t\t\t"command": "/opt/I", // runs it\n\t\t\t"args": [\n\t\t\t\t// first\n\t\t\t\t"-c",\n\t\t\t\t"/p/P.yaml",\n\t\t\t\t"--",\n\t\t\t\t"npx",\n\t\t\t\t"-y",\n\t\t\t\t"pkg", // last\n\t\t\t],\n\t\t},\n\t},\n}\n',
  },
  {
    ...{ name: 'no args', shape: 'plain', at: ['m', 'x'] },
    before: '{"m": {"x": {"command": "srv"}}}',
    after: '{"m": {"x": {"command": "/opt/I", "args": ["-c", "/p/P.yaml", "--", "srv"]}}}',
  },
  {
    ...{ name: 'no args, in lines', shape: 'plain', at: ['m', 'x'] },
    before: '{\r\n  "m": {\r\n    "x": {\r\n      "command": "s\\u0072v", // note\r\n      "env": {}\r\n    }\r\n  }\r\n}',
    after:
      '{\r\n  "m": {\r\n    "x": {\r\n      "command": "/opt/I",\r\n      "args": ["-c", "/p/P.yaml", "--", "s\\u0072v"], // note\r\n      "env": {}\r\n    }\r\n  }\r\n}',
  },
  {
    ...{ name: 'empty args', shape: 'plain', at: ['m', 'x'] },
    before: '{"m": {"x": {"args": [ /* none */ ], "command": "srv"}}}',
    after: '{"m": {"x": {"args": ["-c", "/p/P.yaml", "--", "srv" /* none */ ], "command": "/opt/I"}}}',
  },
  {
    ...{ name: 'variables of ours', shape: 'plain', at: ['m', 'x'], front: { ...FRONT, agent: 'cursor', env: { INTERCEPT_HOME: '/h' } } },
    before: '{"m": {"x": {"command": "srv", "args": ["a"], "env": { "K": "v" }}}}',
    after:
      '{"m": {"x": {"command": "/opt/I", "args": ["-c", "/p/P.yaml", "--agent", "cursor", "--", "srv", "a"], "env": { "K": "v", "INTERCEPT_HOME": "/h" }}}}',
  },
  {
    ...{
      name: 'variables of ours, behind the arguments',
      shape: 'plain',
      at: ['m', 'x'],
      front: { ...FRONT, env: { INTERCEPT_HOME: '/h' } },
    },
    before: '{"m": {"x": {"command": "srv", "args": ["a"]}}}',
    after: '{"m": {"x": {"command": "/opt/I", "args": ["-c", "/p/P.yaml", "--", "srv", "a"], "env": {"INTERCEPT_HOME": "/h"}}}}',
  },
  {
    ...{ name: 'Windows: cmd stays whole', shape: 'desktop', at: ['m', 'x'], front: WINDOWS },
    before: '{"m": {"x": {"command": "cmd", "args": ["/c", "npx", "-y", "pkg"]}}}',
    after:
      '{"m": {"x": {"command": "C:\\\\I\\\\intercept.exe", "args": ["-c", "C:\\\\it\'s\\\\P.yaml", "--", "cmd", "/c", "npx", "-y", "pkg"]}}}',
  },
  {
    ...{ name: 'OpenCode', shape: 'opencode', at: ['mcp', 'x'] },
    before: '{"mcp":{"x":{"type":"local","command":["npx","-y","pkg"]}}}',
    after: '{"mcp":{"x":{"type":"local","command":["/opt/I","-c","/p/P.yaml","--","npx","-y","pkg"]}}}',
  },
  {
    ...{ name: 'OpenCode, remote', shape: 'opencode', at: ['mcp', 'x'], how: 'bridge' },
    before: '{"mcp": {"x": {"type": "remote", "url": "https://u/mcp", "oauth": false, "headers": {"A": "{env:T}"}, "enabled": true}}}',
    after:
      '{"mcp": {"x": {"type": "local", "command": ["/opt/I", "-c", "/p/P.yaml", "--upstream", "https://u/mcp", "--header-env", "A=ICPT_H0"], "environment": {"ICPT_H0": "{env:T}"}, "enabled": true}}}',
  },
  {
    ...{ name: 'Cline, nested', shape: 'cline', at: ['m', 'x'] },
    before: '{"m":{"x":{"transport":{"type":"stdio","command":"c","args":[]},"disabled":false}}}',
    after: '{"m":{"x":{"transport":{"type":"stdio","command":"/opt/I","args":["-c", "/p/P.yaml", "--", "c"]},"disabled":false}}}',
  },
  {
    ...{ name: 'Zed, nested', shape: 'zed', at: ['context_servers', 'x'] },
    before: '{"context_servers":{"x":{"command":{"path":"c","args":["a"]},"settings":{}}}}',
    after: '{"context_servers":{"x":{"command":{"path":"/opt/I","args":["-c","/p/P.yaml","--","c","a"]},"settings":{}}}}'.replace(
      '"-c","/p/P.yaml","--","c","a"',
      '"-c", "/p/P.yaml", "--", "c", "a"',
    ),
  },
  {
    ...{ name: 'remote', shape: 'claude', at: ['mcpServers', 'x'], how: 'bridge' },
    before: '{"mcpServers": {"x": {"type": "http", "url": "https://u/", "headers": {"Authorization": "Bearer ${T}"}}}}',
    after:
      '{"mcpServers": {"x": {"type": "stdio", "command": "/opt/I", "args": ["-c", "/p/P.yaml", "--upstream", "https://u/", "--header-env", "Authorization=ICPT_H0"], "env": {"ICPT_H0": "Bearer ${T}"}}}}',
  },
  {
    ...{ name: 'remote, with its env, in lines', shape: 'cursor', at: ['m', 'x'], how: 'bridge' },
    before:
      '{\n  "m": {\n    "x": {\n      "url": "https://u/", // where\n      "headers": {\n        // who\n        "A": "a",\n        "B": "${env:B}",\n      }, // done\n      "type": "http"\n    }\n  }\n}\n',
    after:
      '{\n  "m": {\n    "x": {\n      "command": "/opt/I",\n      "args": ["-c", "/p/P.yaml", "--upstream", "https://u/", "--header-env", "A=ICPT_H0", "--header-env", "B=ICPT_H1"], // where\n      "env": {\n        // who\n        "ICPT_H0": "a",\n        "ICPT_H1": "${env:B}",\n      } // done\n    }\n  }\n}\n',
  },
  {
    ...{
      name: 'remote without headers',
      shape: 'gemini',
      at: ['m', 'x'],
      how: 'bridge',
      front: { ...FRONT, env: { INTERCEPT_HOME: '/h' } },
    },
    before: '{"m": {"x": {"httpUrl": "https://u/", "headers": {}, "trust": true}}}',
    after:
      '{"m": {"x": {"command": "/opt/I", "args": ["-c", "/p/P.yaml", "--upstream", "https://u/"], "env": {"INTERCEPT_HOME": "/h"}, "trust": true}}}',
  },
  {
    ...{ name: 'Codex', shape: 'codex', format: 'toml', at: ['mcp_servers', 'x'], front: { ...WINDOWS, policy: 'C:\\P.yaml' } },
    before: '# mine\n[mcp_servers.x]\ncommand = "npx"\nargs = ["-y", "pkg"] # note\n\n[other]\na = 1',
    after:
      '# mine\n[mcp_servers.x]\ncommand = \'C:\\I\\intercept.exe\'\nargs = ["-c", \'C:\\P.yaml\', "--", "npx", "-y", "pkg"] # note\n\n[other]\na = 1',
  },
  {
    ...{ name: 'Codex, no args, a path with a quote', shape: 'codex', format: 'toml', at: ['mcp_servers', 'x y'], front: WINDOWS },
    before: 'mcp_servers."x y".command = \'srv\' # note\r\nmcp_servers."x y".env.K = "v"\r\n',
    after:
      'mcp_servers."x y".command = \'C:\\I\\intercept.exe\' # note\r\nmcp_servers."x y".args = ["-c", "C:\\\\it\'s\\\\P.yaml", "--", \'srv\']\r\nmcp_servers."x y".env.K = "v"\r\n',
  },
  {
    ...{ name: 'Codex, inline', shape: 'codex', format: 'toml', at: ['mcp_servers', 'x'] },
    before: 'mcp_servers = { x = { command = "srv" }, y = { url = "https://u" } }\n',
    after: 'mcp_servers = { x = { command = "/opt/I", args = ["-c", "/p/P.yaml", "--", "srv"] }, y = { url = "https://u" } }\n',
  },
  {
    ...{ name: 'Codex, remote', shape: 'codex', format: 'toml', at: ['mcp_servers', 'x'], how: 'bridge' },
    before:
      '[mcp_servers.x]\nurl = "https://u/mcp"\nbearer_token_env_var = "T" # token\nenabled = true\n[mcp_servers.x.http_headers]\n# who\n"X-A" = "a"\n[mcp_servers.x.env_http_headers]\nX-B = "B_VAR"\n[mcp_servers.x.tools.t]\napproval_mode = "auto"\n',
    after:
      '[mcp_servers.x]\ncommand = "/opt/I"\nargs = ["-c", "/p/P.yaml", "--upstream", "https://u/mcp", "--header-env", "X-A=ICPT_H0", "--header", "Authorization: Bearer ${T}", "--header-env", "X-B=B_VAR"]\nenv_vars = ["T", "B_VAR"] # token\nenabled = true\n[mcp_servers.x.env]\n# who\nICPT_H0 = "a"\n[mcp_servers.x.tools.t]\napproval_mode = "auto"\n',
  },
  {
    ...{ name: 'Goose', shape: 'goose', format: 'yaml', at: ['extensions', 'x'] },
    before: 'extensions:\n  x:\n    type: stdio\n    cmd: npx # runs\n    args: [-y, pkg]\n    envs: {}\n',
    after:
      'extensions:\n  x:\n    type: stdio\n    cmd: "/opt/I" # runs\n    args: ["-c", "/p/P.yaml", "--", npx, -y, pkg]\n    envs: {}\n',
  },
  {
    ...{ name: 'Goose, a list in lines, on Windows', shape: 'goose', format: 'yaml', at: ['extensions', 'x'], front: WINDOWS },
    before: 'extensions:\r\n  x:\r\n    type: stdio\r\n    args:\r\n    - -y\r\n    # what\r\n    - pkg\r\n    cmd: npx',
    after:
      "extensions:\r\n  x:\r\n    type: stdio\r\n    args:\r\n    - \"-c\"\r\n    - 'C:\\it''s\\P.yaml'\r\n    - \"--\"\r\n    - npx\r\n    - -y\r\n    # what\r\n    - pkg\r\n    cmd: 'C:\\I\\intercept.exe'",
  },
  {
    ...{ name: 'Goose, remote', shape: 'goose', format: 'yaml', at: ['extensions', 'x'], how: 'bridge' },
    before:
      'extensions:\n  x:\n    name: x\n    type: streamable_http\n    uri: https://u/mcp\n    headers:\n      Authorization: Bearer t # mine\n    timeout: 300\n',
    after:
      'extensions:\n  x:\n    name: x\n    type: "stdio"\n    cmd: "/opt/I"\n    args: ["-c", "/p/P.yaml", "--upstream", "https://u/mcp", "--header-env", "Authorization=ICPT_H0"]\n    envs:\n      ICPT_H0: Bearer t # mine\n    timeout: 300\n',
  },
  {
    ...{ name: 'Continue: by name', shape: 'continue', format: 'yaml', at: ['mcpServers', { name: 'x' }] },
    before: 'mcpServers:\n- name: w\n  command: a\n- name: x\n  command: b\n  args:\n  - c\n',
    after:
      'mcpServers:\n- name: w\n  command: a\n- name: x\n  command: "/opt/I"\n  args:\n  - "-c"\n  - "/p/P.yaml"\n  - "--"\n  - b\n  - c\n',
  },
  {
    ...{ name: 'Continue, remote', shape: 'continue', format: 'yaml', at: ['mcpServers', { name: 'x' }], how: 'bridge' },
    before:
      'mcpServers:\n  - type: streamable-http\n    name: x\n    url: https://u/mcp\n    requestOptions:\n      headers:\n        A: "${{ secrets.T }}"\n',
    after:
      'mcpServers:\n  - type: "stdio"\n    name: x\n    command: "/opt/I"\n    args: ["-c", "/p/P.yaml", "--upstream", "https://u/mcp", "--header-env", "A=ICPT_H0"]\n    env: {ICPT_H0: "${{ secrets.T }}"}\n',
  },
];

const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array) => new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);

describe.each(ROWS)('$name', ({ shape, at, format = 'json', front = FRONT, how, before, after }) => {
  const server = { name: 'x', at, shape };
  const plan = how === 'bridge' ? planBridge : planWrap;

  test.each(['', '\ufeff'])('before and after, and back (mark %j)', (mark) => {
    const rewrite = plan({ bytes: encode(mark + before), format }, server, front);
    if (rewrite.kind !== 'rewrite') throw new Error(rewrite.why);
    expect(decode(rewrite.bytes)).toBe(mark + after);
    const again = plan({ bytes: rewrite.bytes, format }, server, front);
    expect(again.kind).toBe('nothing');
    const record = JSON.parse(JSON.stringify(rewrite.record));
    const back = planUnwrap({ bytes: rewrite.bytes, format }, record);
    if (back.kind !== 'unwrap') throw new Error(back.why);
    expect(decode(back.bytes)).toBe(mark + before);
    expect(back.certainty).toBe('exact');
    expect(planUnwrap({ bytes: back.bytes, format }, record)).toMatchObject({ kind: 'nothing' });
  });

  test('without a record, what follows "--" comes back', () => {
    const rewrite = plan({ bytes: encode(before), format }, server, front);
    if (rewrite.kind !== 'rewrite') throw new Error(rewrite.why);
    const back = planUnwrapUnrecorded({ bytes: rewrite.bytes, format }, server);
    expect(back.kind).toBe(how === 'bridge' ? 'refused' : 'unwrap');
    if (back.kind === 'unwrap') expect(plan({ bytes: back.bytes, format }, server, front).kind).toBe('rewrite');
  });
});
