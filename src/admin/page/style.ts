/** How the approval page looks: light and dark, from 360 px on, without motion where that is asked for. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --ground: #f6f6f3; --card: #ffffff; --text: #1c1f23; --soft: #565d66; --line: #dcdcd5; --field: #8a8f96;
  --accent: #1f5f8b; --yes: #1b6e44; --no: #a02c2c; --on: #ffffff;
  --warn: #fff3d6; --warn-text: #5f4300; --warn-line: #d9a93a;
  --bad: #fde4e1; --bad-text: #8a1c12; --odd: #e6e4fb; --odd-text: #3b2f94; --foreign: #8a6d1f; --good: #ddf2e5; --good-text: #14532f;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #15171a; --card: #1e2125; --text: #e8e9ea; --soft: #a9b0b8; --line: #353a40; --field: #7b828a;
    --accent: #8cc4ea; --yes: #23784a; --no: #b23a35; --on: #ffffff;
    --warn: #3a2f12; --warn-text: #ffdf94; --warn-line: #8f6d1e;
    --bad: #4a1f1c; --bad-text: #ffc2bb; --odd: #322c5c; --odd-text: #d4cdff; --foreign: #d9b95e;
  }
}
* { box-sizing: border-box; }
html { background: var(--ground); color: var(--text); font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
body { margin: 0 auto; max-width: 46rem; padding: 0 1rem 4rem; }
header { align-items: center; display: flex; gap: 1rem; padding: 1rem 0; }
header .brand { font-weight: 650; letter-spacing: .01em; margin: 0; }
header nav { flex: 1; }
a { color: var(--accent); }
main:focus, h1:focus { outline: none; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 .25rem; }
h2 { font-size: 1rem; margin: 1.75rem 0 .5rem; }
p { margin: .25rem 0; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 1.25rem; }
.card + .card { margin-top: 1rem; } .card > h2:first-child { margin-top: 0; }
.soft { color: var(--soft); }
.text { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace; overflow-wrap: anywhere; white-space: pre-wrap; unicode-bidi: isolate; }
.tool { font-size: 1.15rem; font-weight: 650; }
.facts { display: grid; gap: .15rem 1rem; grid-template-columns: max-content 1fr; margin: .75rem 0 0; }
.facts dt { color: var(--soft); } .facts dd { margin: 0; min-width: 0; }
.left { align-items: baseline; display: flex; flex-wrap: wrap; gap: .25rem .75rem; margin-top: .75rem; }
.left strong { font-variant-numeric: tabular-nums; }
.bar { background: var(--line); border-radius: 3px; height: 6px; margin-top: .4rem; overflow: hidden; }
.bar > div { background: var(--accent); height: 100%; transition: width 1s linear; }
.warnings { background: var(--warn); border: 1px solid var(--warn-line); border-radius: 8px; color: var(--warn-text); list-style: none; margin: 1rem 0 0; padding: .6rem .9rem; }
.args { margin: 0; }
.args > div { border-top: 1px solid var(--line); padding: .6rem 0; }
.args > div:first-child { border-top: 0; padding-top: 0; }
.args dt { align-items: baseline; display: flex; flex-wrap: wrap; gap: 0 .75rem; }
.args dt .text { font-weight: 600; min-width: 0; } .args dt .type { color: var(--soft); font-size: .8125rem; }
.args dt .more { color: var(--accent); font-size: .8125rem; font-weight: 600; }
.args dd { background: var(--ground); border-radius: 6px; margin: .25rem 0 0; max-height: 20rem; overflow: auto; padding: .4rem .6rem; }
.args dd.none { background: none; padding: 0; }
.unseen, .alike, .twin { border-radius: 4px; font: 600 .75rem/1.4 system-ui, sans-serif; padding: 0 .3em; white-space: nowrap; }
.unseen { background: var(--bad); color: var(--bad-text); }
.alike { background: var(--odd); color: var(--odd-text); white-space: normal; }
.alike b { font: 600 1rem/1 ui-monospace, Menlo, Consolas, monospace; }
.twin { background: var(--odd); color: var(--odd-text); }
.foreign { border-bottom: 2px dotted var(--foreign); unicode-bidi: isolate; }
label { display: block; font-weight: 600; margin-top: 1rem; }
label + .hint { color: var(--soft); font-size: .875rem; margin: 0; }
input, textarea { background: var(--card); border: 1px solid var(--field); border-radius: 8px; color: inherit; font: inherit; margin-top: .25rem; padding: .55rem .7rem; width: 100%; }
.buttons { display: flex; flex-wrap: wrap; gap: .75rem; margin-top: 1.25rem; }
button { background: none; border: 1px solid var(--field); border-radius: 8px; color: inherit; cursor: pointer; font: inherit; font-weight: 600; line-height: 1.2; min-height: 2.75rem; padding: .6rem 1.25rem; }
button.yes, button.no, button.main { border-color: transparent; color: var(--on); flex: 1 1 9rem; }
button.yes { background: var(--yes); } button.no { background: var(--no); }
button.main { background: #1f5f8b; flex: none; }
button[disabled] { cursor: default; opacity: .55; }
.quiet { font-size: .875rem; font-weight: 400; min-height: 2.25rem; padding: .3rem .8rem; }
.state { border-radius: 8px; font-weight: 600; margin: 0 0 1rem; padding: .7rem .9rem; background: var(--odd); color: var(--odd-text); }
.state.approved, .state.consumed { background: var(--good); color: var(--good-text); }
.state .soft { color: inherit; font-weight: 400; }
.state.expired { background: var(--warn); color: var(--warn-text); } .state.denied { background: var(--bad); color: var(--bad-text); }
.alert { background: var(--bad); border-radius: 8px; color: var(--bad-text); margin-top: 1rem; padding: .6rem .9rem; }
.alert:empty, .alert[hidden] { display: none; }
.list { list-style: none; margin: 1rem 0 0; padding: 0; }
.list li { margin-top: .75rem; }
.list a { background: var(--card); border: 1px solid var(--line); border-radius: 12px; color: inherit; display: block; padding: .9rem 1.1rem; text-decoration: none; }
.list a:hover { border-color: var(--accent); }
.hidden { clip-path: inset(50%); height: 1px; overflow: hidden; position: absolute; white-space: nowrap; width: 1px; }
@media (max-width: 30rem) { .facts { grid-template-columns: 1fr; } .facts dd { margin-bottom: .4rem; } .card { padding: 1rem; } }
@media (prefers-reduced-motion: reduce) { * { animation: none !important; transition: none !important; } }
@media (forced-colors: active) { .unseen, .alike, .twin, .bar > div { border: 1px solid; } }
`;
